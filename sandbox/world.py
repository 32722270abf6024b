"""What exists in the pretend service: organizations, people, tokens, projects and what is in them."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
GLOBAL_TOKENS_END = datetime(2026, 12, 1, tzinfo=UTC)
_SPACE = uuid.UUID("8f8d4f5e-2f6b-4b5a-9c57-0c9d3c5b1a00")


def stable_id(*parts: object) -> str:
    """The same id for the same thing in every run."""
    return str(uuid.uuid5(_SPACE, "/".join(str(part) for part in parts)))


def stable_sha(*parts: object) -> str:
    """Forty hexadecimal digits, the same for the same thing in every run."""
    return (uuid.uuid5(_SPACE, "/".join(map(str, parts))).hex + uuid.uuid5(_SPACE, "+".join(map(str, parts))).hex)[:40]


def instant(moment: datetime) -> str:
    """A time as the service writes it: UTC with up to seven fractional digits."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06d}7Z"


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    name: str
    upn: str

    @property
    def id(self) -> str:
        """The id that Azure DevOps gives them."""
        return stable_id("person", self.upn)


@dataclass
class Token:
    """A personal access token. `organization` is None for one made for all accessible organizations."""

    secret: str = field(repr=False)
    name: str
    person: Person
    organization: str | None
    scopes: tuple[str, ...]
    state: str = "active"


@dataclass
class Commit:
    """A commit with the whole tree it leaves: path to text."""

    id: str
    author: Person
    at: datetime
    comment: str
    parents: tuple[str, ...]
    tree: dict[str, bytes]


@dataclass
class Repository:
    """A Git repository; one without commits is empty."""

    id: str
    name: str
    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    default_branch: str | None = None
    disabled: bool = False

    @property
    def size(self) -> int:
        """Bytes of all files of the newest commit."""
        head = self.commits.get(self.branches.get(self.default_branch or "", ""))
        return sum(len(text) for text in head.tree.values()) if head else 0


@dataclass
class Definition:
    """A build definition, which is also a pipeline."""

    id: int
    name: str
    repository: Repository
    path: str = "\\"
    queue_status: str = "enabled"


@dataclass
class Build:
    """One run of a definition. `result`, `started_at` and `finished_at` are absent until they are known."""

    id: int
    number: str
    definition: Definition
    branch: str
    person: Person
    queued_at: datetime
    status: str = "notStarted"
    result: str | None = None
    reason: str = "manual"
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass
class ReleaseDefinition:
    """A classic release pipeline and the names of its environments, in order."""

    id: int
    name: str
    environments: tuple[str, ...]
    build_definition: Definition


@dataclass
class ReleaseEnvironment:
    """A stage of one release."""

    id: int
    name: str
    status: str
    rank: int


@dataclass
class Release:
    """One release."""

    id: int
    name: str
    definition: ReleaseDefinition
    person: Person
    created_at: datetime
    environments: list[ReleaseEnvironment]
    status: str = "active"


@dataclass
class Approval:
    """Somebody is asked before an environment is deployed."""

    id: int
    release: Release
    environment: ReleaseEnvironment
    approver: Person
    created_at: datetime
    status: str = "pending"


@dataclass
class Project:
    """A project. `seen_by` limits who sees it; None means every member."""

    id: str
    name: str
    state: str = "wellFormed"
    visibility: str = "private"
    description: str = ""
    revision: int = 11
    seen_by: frozenset[str] | None = None
    repositories: list[Repository] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    builds: list[Build] = field(default_factory=list)
    release_definitions: list[ReleaseDefinition] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)

    @property
    def updated_at(self) -> datetime:
        """When it was last changed."""
        return EPOCH + timedelta(minutes=self.revision)


@dataclass
class Organization:
    """An organization and its policies. `members` are person ids; `powerless` of them may change nothing."""

    name: str
    projects: list[Project] = field(default_factory=list)
    members: set[str] = field(default_factory=set)
    powerless: set[str] = field(default_factory=set)
    stopped: bool = False
    fenced: bool = False
    refuses_global_tokens: bool = False
    usual_fault: dict[str, Any] | None = None

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
            return [one for one in self.projects if one.visibility == "public"]
        return [one for one in self.projects if one.seen_by is None or person.id in one.seen_by]


def _clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class World:
    """Everything, and the clock it lives by."""

    organizations: dict[str, Organization] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    now: Callable[[], datetime] = field(default=_clock)

    def organization(self, name: str) -> Organization | None:
        """By name, in any case."""
        return self.organizations.get(name.lower())

    def token_named(self, name: str) -> Token | None:
        """A token by its sample name."""
        return next((one for one in self.tokens.values() if one.name == name), None)
