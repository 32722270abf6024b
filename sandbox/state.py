"""What exists in the sandbox: organizations, projects, people and tokens, and its clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from sandbox.deployments import Release, ReleaseDefinition
from sandbox.fault_injection import Fault
from sandbox.ids import EPOCH, stable_id
from sandbox.people import TENANT, AccessToken, Person, Token
from sandbox.pipelines import Build, Definition
from sandbox.repositories import Repository
from sandbox.rights import CHANGES

# https://learn.microsoft.com/azure/devops/release-notes/2026/general/sprint-270-update
GLOBAL_TOKENS_END = datetime(2026, 12, 1, tzinfo=UTC)


@dataclass
class Project:
    """A project. `seen_by` limits who sees it; None means every member.

    `denied` are rights that no one has here, as `sandbox.rights` names them; they are checked before any object is
    looked up. `denied_to` are rights that some do not have here, by person id; they are checked afterwards. `fill`
    creates the contents on first access; None if they exist already.
    """

    id: str
    name: str
    state: str = "wellFormed"
    visibility: str = "private"
    description: str = ""
    revision: int = 11
    seen_by: frozenset[str] | None = None
    denied: frozenset[str] = frozenset()
    denied_to: dict[str, frozenset[str]] = field(default_factory=dict)
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
        """The builds that were not deleted."""
        return [build for build in self.builds if build.deleted_at is None]

    def opened(self) -> "Project":
        """The same project, with its contents created."""
        if self.fill is not None:
            fill, self.fill = self.fill, None
            fill(self)
        return self

    def new_id(self) -> int:
        """A number that is not in use in this project."""
        self.last_id += 1
        return self.last_id


@dataclass
class TokenPolicy:
    """What an organization allows for personal access tokens, and how it revokes them.

    A token lives `longest_days`: a longer life is shortened, or with `refuses_long_life` refused. A revocation is
    answered with `revoke_status`, and is known everywhere after `revoked_after` seconds.
    """

    longest_days: int = 365
    refuses_long_life: bool = False
    restricts_creation: bool = False
    forbids_full_scope: bool = False
    forbids_global: bool = False
    revoke_status: int = 204
    revoked_after: float = 0.0


Licence = Literal["basic", "stakeholder", "none"]


@dataclass
class Organization:
    """An organization and its policies. `members` are person ids; those in `powerless` cannot change anything.

    `tenant` is its Microsoft Entra tenant, None for an organization of Microsoft accounts. `licences` are those of
    members who do not have Basic, `denied_to` the rights that some lack in every project, and `members_from` when
    new members are known everywhere in the service, all by person id.

    `throttled` is how many seconds everyone is asked to wait. The first of `usual_faults` that matches a request
    applies. `refuses_silently` gives no reason for refusing an invalid token. `permission_first` checks permissions
    before it checks whether an object exists. `without_classic_releases` has disabled their creation. Tokens created
    for the organization `tokens_of` open this one too.
    """

    name: str
    projects: list[Project] = field(default_factory=list)
    members: set[str] = field(default_factory=set)
    powerless: set[str] = field(default_factory=set)
    tenant: str | None = TENANT
    licences: dict[str, Licence] = field(default_factory=dict)
    denied_to: dict[str, frozenset[str]] = field(default_factory=dict)
    members_from: dict[str, datetime] = field(default_factory=dict)
    token_policy: TokenPolicy = field(default_factory=TokenPolicy)
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
        """The id, which does not change when the organization is renamed."""
        return stable_id("organization", self.name)

    @property
    def has_public_project(self) -> bool:
        """Whether anonymous requests are allowed."""
        return any(project.visibility == "public" for project in self.projects)

    def visible(self, person: Person | None) -> list[Project]:
        """The projects that a person sees; None is an anonymous client."""
        if person is None:
            return [project for project in self.projects if project.visibility == "public"]
        return [project for project in self.projects if project.seen_by is None or person.id in project.seen_by]

    def knows(self, person: Person, now: datetime) -> bool:
        """Whether a person is a member, and not so new that parts of the service do not know it yet."""
        return person.id in self.members and now >= self.members_from.get(person.id, now)

    def licence_of(self, person: Person | None) -> Licence:
        """The licence of a member; Basic unless it is recorded otherwise."""
        return self.licences.get(person.id, "basic") if person is not None else "basic"

    def denies(self, person: Person, project: Project | None, right: str) -> bool:
        """Whether a member lacks a right, in a project or, if it is None, in all of them."""
        if person.id in self.powerless and right in CHANGES:
            return True
        if right in self.denied_to.get(person.id, ()):
            return True
        return project is not None and (right in project.denied or right in project.denied_to.get(person.id, ()))


def _clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class State:
    """The whole state of a sandbox: tokens by secret, organizations by lower-case name.

    `access_tokens` are those that Microsoft Entra has issued, by their text.

    `now` is the clock of the sandbox; replace it, or call `advance`. `more` creates organizations on first access.
    """

    organizations: dict[str, Organization] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict, repr=False)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict, repr=False)
    now: Callable[[], datetime] = field(default=_clock)
    more: Callable[[str], Organization | None] | None = None

    def advance(self, seconds: float) -> None:
        """Advance the clock."""
        before = self.now
        self.now = lambda: before() + timedelta(seconds=seconds)

    def organization(self, name: str) -> Organization | None:
        """The organization with this name, ignoring case."""
        organization = self.organizations.get(name.lower())
        if organization is None and self.more is not None:
            organization = self.more(name.lower())
            if organization is not None:
                self.organizations[name.lower()] = organization
        return organization

    def token_named(self, name: str) -> Token | None:
        """The token with this sample name."""
        return next((token for token in self.tokens.values() if token.name == name), None)
