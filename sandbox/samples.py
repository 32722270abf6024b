"""The sample organizations, people and tokens that every sandbox starts with."""

from dataclasses import dataclass, field

from sandbox.editions import SERVICES, Edition
from sandbox.ids import stable_id
from sandbox.people import Person, Token
from sandbox.repositories import Repository
from sandbox.rights import CHANGES
from sandbox.sample_code import (
    BOARD,
    GUEST,
    LONER,
    MAYA,
    NOOR,
    STRANGER,
    branchy_repository,
    rich_repository,
    small_repository,
)
from sandbox.sample_faults import FAULTS
from sandbox.sample_runs import add_builds, add_releases
from sandbox.scopes import FULL
from sandbox.state import Organization, Project, State


def secret(name: str) -> str:
    """A token in today's format of 84 characters. It is the same in every run and works only here."""
    letters = "".join(part for part in name.title() if part.isalnum())
    random_part = (f"Sandbox{letters}" + "0123456789ABCDEFGHIJabcdefghij" * 3)[:52]
    return f"{random_part}JQQJ99BKACAAAAAAAAAAAAASAZDO{(letters + 'Zzzz')[:4]}"


@dataclass(frozen=True)
class SampleToken:
    """A token to try, the organization to try it with, and what happens."""

    name: str
    organization: str
    summary: str
    secret: str = field(repr=False)


def _sample(name: str, organization: str, summary: str) -> SampleToken:
    return SampleToken(name, organization, summary, secret(name))


SAMPLES: tuple[SampleToken, ...] = (
    _sample("full", "acme", "everything works"),
    _sample("full-again", "acme", "a second token of the same person, for Update token"),
    _sample("full-colleague", "acme", "the token of another person"),
    _sample("read-only", "acme", "can only read"),
    _sample("no-build", "acme", "Build is missing"),
    _sample("no-release", "acme", "Release is missing"),
    _sample("code-only", "acme", "only Code, read"),
    _sample("no-rights", "acme", "passes the test, but its owner has no permission to change anything"),
    _sample("no-projects", "acme", "its owner sees no projects"),
    _sample("expired", "acme", "has expired"),
    _sample("revoked", "acme", "was revoked"),
    _sample("not-a-member", "acme", "its owner is not a member"),
    _sample("not-materialized", "acme", "its owner has not signed in with a browser yet"),
    _sample("other-organization", "acme", "was created for fabrikam"),
    _sample("global", "acme", "was created for all accessible organizations"),
)
# Organizations with a particular behaviour, whichever token is used.
MISBEHAVING = {
    "stopped": "is deactivated",
    "fenced": "has a conditional access policy",
    "strict": "refuses tokens for all organizations",
    "silent": "refuses an invalid token without a reason",
    "guarded": "checks permissions before it checks whether an object exists",
    "commons": "has a public project",
    "modern": "has disabled the creation of classic releases",
    "slow": "answers after three seconds",
    "stuck": "sends its answers very slowly",
    "throttled": "throttles and asks clients to wait",
    "busy": "answers, but asks clients to slow down",
    "overloaded": "refuses every token while it is overloaded: 401 with `Retry-After: 37`",
    "exhausted": "shows a sign-in page while it is overloaded: 203 with `X-RateLimit-Remaining: 0`",
    "down": "answers with errors",
    "maintenance": "is down for maintenance: 503 with a page and `Retry-After: 300`",
    "servicing": "is down for maintenance: 503 with `HostShutdownException` and `Retry-After: 60`",
    "signin": "shows a sign-in page",
    "signedout": "redirects to the sign-in page of Azure DevOps",
    "gateway": "is behind a gateway that blocks requests: 403 in plain text",
    "filtered": "is behind a web filter: 200 with a page that is not from Azure DevOps",
    "redirected": "redirects to another host, that of a web filter",
    "renamed": "was renamed: 301 to its new name",
    "unmaterialized": "requires the token's owner to sign in with a browser first: 401 with `AadUserStateException`",
    "pipelines-only": "has no classic releases at all: 404 with a page",
    "listless": "answers requests for its projects with an error in the shape of a list",
    "unlisted": "refuses to list its projects, without a reason: 401",
    "stateless": "lists its projects without their state",
    "endless": "lists projects endlessly: each page has new ones and another continuation token",
    "doubled": "lists one of its 110 projects on two pages",
    "uneven": "denies every change in its first project, but not in its second",
    "protected": "accepts changes to its branch main only by pull request, and forbids force pushes",
    "patchy": "fails to list the repositories of one of its 20 projects: 400 with `FeatureDisabledException`",
    "deleted": "was deleted: 404 with `HostDoesNotExistException`",
}
PROJECT_COUNT = 137
COLLECTION = "DefaultCollection"
# How many build and release numbers are reserved for each project of an organization.
_NUMBERS = 1_000_000
_SPECIAL_NAMES = (
    "Storefront",
    "Payments API",
    "Zażółć gęślą jaźń",
    "日本語プロジェクト",
    "Проект «Мост»",
    "It’s complicated",
    "A project whose name uses every one of the sixty-four characters",
)


def build_state(edition: Edition = SERVICES) -> State:
    """A new state, which shares nothing mutable with other states.

    On Azure DevOps Server, the tokens for acme open the default collection.
    """
    state = State()
    collections = [] if edition.hosted else [_acme(COLLECTION)]
    for organization in (_acme("acme"), _fabrikam(), *_misbehaving(), *collections):
        state.organizations[organization.name.lower()] = organization
    for token in _tokens():
        state.tokens[token.secret] = token
    return state


def _tokens() -> list[Token]:
    read = ("vso.code", "vso.build", "vso.release")
    rows: list[tuple[str, Person, str | None, tuple[str, ...], str]] = [
        # Opens the misbehaving organizations too, so that one token is enough to see them all. It is not global.
        ("full", MAYA, "*", FULL, "active"),
        ("full-again", MAYA, "acme", FULL, "active"),
        ("full-colleague", NOOR, "acme", FULL, "active"),
        ("read-only", MAYA, "acme", read, "active"),
        ("no-build", MAYA, "acme", ("vso.code_manage", "vso.release_manage"), "active"),
        ("no-release", MAYA, "acme", ("vso.code_manage", "vso.build_execute"), "active"),
        ("code-only", MAYA, "acme", ("vso.code",), "active"),
        ("no-rights", GUEST, "*", FULL, "active"),
        ("no-projects", LONER, "acme", FULL, "active"),
        ("expired", MAYA, "acme", FULL, "expired"),
        ("revoked", MAYA, "acme", FULL, "revoked"),
        ("not-a-member", STRANGER, "acme", FULL, "active"),
        ("not-materialized", STRANGER, "acme", FULL, "not_materialized"),
        ("other-organization", MAYA, "fabrikam", FULL, "active"),
        ("global", MAYA, None, FULL, "active"),
    ]
    return [
        Token(secret(name), name, owner, organization, scopes, state)
        for name, owner, organization, scopes, state in rows
    ]


def _misbehaving() -> list[Organization]:
    organizations = {name: Organization(name, members={MAYA.id, NOOR.id}) for name in MISBEHAVING}
    for name, organization in organizations.items():
        organization.usual_faults = FAULTS.get(name, ())
        organization.projects.append(_plain_project(name, "Main"))
    organizations["stopped"].stopped = True
    organizations["fenced"].fenced = True
    organizations["strict"].refuses_global_tokens = True
    organizations["silent"].refuses_silently = True
    organizations["throttled"].throttled = 30.0
    organizations["commons"].projects.append(_plain_project("commons", "Open Source", visibility="public"))
    organizations["guarded"].members.add(GUEST.id)
    organizations["guarded"].powerless = {GUEST.id}
    organizations["guarded"].permission_first = True
    organizations["doubled"].projects = [_plain_project("doubled", f"Service {number:03d}") for number in range(1, 111)]
    organizations["uneven"].projects = [
        _rich_when_opened("uneven", "Restricted"),
        _rich_when_opened("uneven", "Open", after=_NUMBERS),
    ]
    organizations["uneven"].projects[0].denied = CHANGES
    organizations["protected"].projects = [
        _rich_when_opened("protected", "Main", protected=frozenset({"refs/heads/main"}))
    ]
    organizations["protected"].projects[0].denied = frozenset({"ForcePush"})
    organizations["patchy"].projects = [_plain_project("patchy", f"Service {number:03d}") for number in range(1, 21)]
    for name in ("pipelines-only", "listless", "unlisted", "stateless"):
        organizations[name].projects = [_rich_when_opened(name, "Main")]
    organizations["modern"].projects = [_project_with_builds("modern", "Main")]
    organizations["modern"].without_classic_releases = True
    return list(organizations.values())


def _fabrikam() -> Organization:
    organization = Organization("fabrikam", members={MAYA.id, NOOR.id})
    organization.projects = [_rich_project("fabrikam", "Tailspin"), _plain_project("fabrikam", "Wiki")]
    return organization


def _acme(organization_name: str) -> Organization:
    members_of_all = {MAYA.id, NOOR.id, GUEST.id, LONER.id}
    organization = Organization(organization_name, members=members_of_all, powerless={GUEST.id}, tokens_of="acme")
    members = frozenset({MAYA.id, NOOR.id})
    names = [*_SPECIAL_NAMES, *(f"Service {number:03d}" for number in range(1, PROJECT_COUNT))]
    for index, name in enumerate(names[:PROJECT_COUNT]):
        is_rich = index < 2
        if is_rich:
            project = _rich_project(organization_name, name, after=index * _NUMBERS)
        else:
            project = _plain_project(organization_name, name)
        project.seen_by = members | {GUEST.id} if is_rich else members
        organization.projects.append(project)
    organization.projects += [
        Project(stable_id(organization_name, "Old Shop"), "Old Shop", state="deleting", seen_by=members),
        Project(stable_id(organization_name, "Retired"), "Retired", state="deleted", seen_by=members),
        Project(stable_id(organization_name, "Brand New"), "Brand New", state="createPending", seen_by=members),
        Project(stable_id(organization_name, "Board Room"), "Board Room", seen_by=frozenset({BOARD.id})),
    ]
    return organization


def _plain_project(organization: str, name: str, *, visibility: str = "private") -> Project:
    def fill(project: Project) -> None:
        project.repositories.append(small_repository(organization, name, name))

    # There are hundreds of these projects, and few are ever opened.
    return Project(stable_id(organization, name), name, visibility=visibility, fill=fill)


def _project_with_builds(organization: str, name: str, *, after: int = 0) -> Project:
    project = _described(organization, name, after=after)
    _fill_with_builds(organization, project)
    return project


def _described(organization: str, name: str, *, after: int = 0) -> Project:
    """A project whose builds and releases are numbered from `after`, so that they are unique in their organization."""
    description = f"{name}, with something of everything"
    return Project(stable_id(organization, name), name, description=description, last_id=after)


def _fill_with_builds(organization: str, project: Project) -> None:
    name = project.name
    archived = small_repository(organization, name, "Archived")
    archived.disabled = True
    project.repositories += [
        rich_repository(organization, name, name),
        branchy_repository(organization, name, "web client"),
        Repository(stable_id(organization, name, "empty"), "Empty"),
        archived,
    ]
    add_builds(project)


def _rich_project(organization: str, name: str, *, after: int = 0) -> Project:
    project = _project_with_builds(organization, name, after=after)
    add_releases(project)
    return project


def _rich_when_opened(
    organization: str, name: str, *, after: int = 0, protected: frozenset[str] = frozenset()
) -> Project:
    """A project with something of everything, created on first access; `protected` are refs of its first repository."""

    def fill(project: Project) -> None:
        _fill_with_builds(organization, project)
        add_releases(project)
        project.repositories[0].protected |= protected

    project = _described(organization, name, after=after)
    project.fill = fill
    return project
