"""What exists in the pretend service: organizations, projects, people, tokens, and the clock it all lives by."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sandbox.deployments import Release, ReleaseDefinition
from sandbox.fault_injection import Fault
from sandbox.ids import EPOCH, stable_id
from sandbox.people import Person, Token
from sandbox.pipelines import Build, Definition
from sandbox.repositories import Repository

# https://learn.microsoft.com/azure/devops/release-notes/2026/general/sprint-270-update
GLOBAL_TOKENS_END = datetime(2026, 12, 1, tzinfo=UTC)


@dataclass
class Project:
    """A project. `seen_by` limits who sees it; None means every member.

    `denied` are rights that nobody has here, as `sandbox.permissions` names them; they are looked at before anything
    is looked up. `fill` makes what is inside when somebody first looks; None means that it is there.
    """

    id: str
    name: str
    state: str = "wellFormed"
    visibility: str = "private"
    description: str = ""
    revision: int = 11
    seen_by: frozenset[str] | None = None
    denied: frozenset[str] = frozenset()
    repositories: list[Repository] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    builds: list[Build] = field(default_factory=list)
    release_definitions: list[ReleaseDefinition] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    fill: "Callable[[Project], None] | None" = field(default=None, repr=False)
    last_id: int = 0

    @property
    def updated_at(self) -> datetime:
        """When it was last changed."""
        return EPOCH + timedelta(minutes=self.revision)

    @property
    def kept_builds(self) -> list[Build]:
        """The builds that nobody deleted."""
        return [build for build in self.builds if build.deleted_at is None]

    def opened(self) -> "Project":
        """The same project, with what is inside."""
        if self.fill is not None:
            fill, self.fill = self.fill, None
            fill(self)
        return self

    def new_id(self) -> int:
        """A number that nothing in this project has yet."""
        self.last_id += 1
        return self.last_id


@dataclass
class Organization:
    """An organization and its policies. `members` are person ids; `powerless` of them may change nothing.

    `throttled` is the seconds that everybody is asked to wait; the first of `usual_faults` that fits spoils a request.
    `refuses_silently` has no words for a bad token. `permission_first` refuses the powerless before it looks whether
    the thing exists. `without_classic_releases` has their creation switched off. Tokens made for the organization
    `tokens_of` open this one too.
    """

    name: str
    projects: list[Project] = field(default_factory=list)
    members: set[str] = field(default_factory=set)
    powerless: set[str] = field(default_factory=set)
    stopped: bool = False
    fenced: bool = False
    refuses_global_tokens: bool = False
    refuses_silently: bool = False
    permission_first: bool = False
    without_classic_releases: bool = False
    throttled: float | None = None
    usual_faults: tuple[Fault, ...] = ()
    tokens_of: str = ""

    @property
    def id(self) -> str:
        """Stays the same when the organization is renamed."""
        return stable_id("organization", self.name)

    @property
    def has_public_project(self) -> bool:
        """Whether anybody may look around."""
        return any(project.visibility == "public" for project in self.projects)

    def visible(self, person: Person | None) -> list[Project]:
        """The projects that somebody, or nobody (None), sees."""
        if person is None:
            return [project for project in self.projects if project.visibility == "public"]
        return [project for project in self.projects if project.seen_by is None or person.id in project.seen_by]


def _clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class State:
    """Everything. Tokens are kept by secret, organizations by name in lower case.

    `now` is the clock that everything lives by; replace it, or let time pass with `advance`. `more` makes an
    organization that nobody asked for yet.
    """

    organizations: dict[str, Organization] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict, repr=False)
    now: Callable[[], datetime] = field(default=_clock)
    more: Callable[[str], Organization | None] | None = None

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        before = self.now
        self.now = lambda: before() + timedelta(seconds=seconds)

    def organization(self, name: str) -> Organization | None:
        """By name, in any case."""
        found = self.organizations.get(name.lower())
        if found is None and self.more is not None:
            found = self.more(name.lower())
            if found is not None:
                self.organizations[name.lower()] = found
        return found

    def token_named(self, name: str) -> Token | None:
        """A token by its sample name."""
        return next((token for token in self.tokens.values() if token.name == name), None)
