"""The sample organizations, people and tokens that every sandbox begins with."""

from dataclasses import dataclass, field

from sandbox.editions import SERVICES, Edition
from sandbox.ids import stable_id
from sandbox.people import Person, Token
from sandbox.permissions import CHANGES
from sandbox.repositories import Repository
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
    """A token in today's form of 84 characters, the same in every run and good for nothing outside."""
    letters = "".join(part for part in name.title() if part.isalnum())
    random_part = (f"Sandbox{letters}" + "0123456789ABCDEFGHIJabcdefghij" * 3)[:52]
    return f"{random_part}JQQJ99BKACAAAAAAAAAAAAASAZDO{(letters + 'Zzzz')[:4]}"


@dataclass(frozen=True)
class SampleToken:
    """A token to try, the organization to try it on, and what happens."""

    name: str
    organization: str
    summary: str
    secret: str = field(repr=False)


def _sample(name: str, organization: str, summary: str) -> SampleToken:
    return SampleToken(name, organization, summary, secret(name))


SAMPLES: tuple[SampleToken, ...] = (
    _sample("full", "acme", "everything works"),
    _sample("full-again", "acme", "the same person's second token, for Update token"),
    _sample("full-colleague", "acme", "another person's token"),
    _sample("read-only", "acme", "reads only"),
    _sample("no-build", "acme", "Build is missing"),
    _sample("no-release", "acme", "Release is missing"),
    _sample("code-only", "acme", "only Code, read"),
    _sample("no-rights", "acme", "passes the test, but the person may change nothing"),
    _sample("no-projects", "acme", "the person sees no project"),
    _sample("expired", "acme", "has expired"),
    _sample("revoked", "acme", "was revoked"),
    _sample("not-a-member", "acme", "the person is not a member"),
    _sample("not-materialized", "acme", "the person has yet to sign in with a browser once"),
    _sample("other-organization", "acme", "was made for fabrikam"),
    _sample("global", "acme", "was made for all accessible organizations"),
)
# Names that always do something particular, with any of the tokens above.
TROUBLED = {
    "stopped": "is deactivated",
    "fenced": "has a conditional access policy",
    "strict": "refuses tokens for all organizations",
    "silent": "refuses a bad token without a word",
    "guarded": "asks for a person's right before it looks whether a thing exists",
    "commons": "has a public project",
    "modern": "has the creation of classic releases switched off",
    "slow": "answers after three seconds",
    "stuck": "drips its answers",
    "throttled": "asks to wait",
    "busy": "answers, and asks to slow down",
    "overloaded": "refuses every token while it is overloaded: 401 with `Retry-After: 37`",
    "exhausted": "shows a sign-in page while it is overloaded: 203 with `X-RateLimit-Remaining: 0`",
    "down": "answers with errors",
    "maintenance": "is down for maintenance: 503 with a page and `Retry-After: 300`",
    "servicing": "is down for maintenance: 503 with `HostShutdownException` and `Retry-After: 60`",
    "signin": "shows a sign-in page",
    "signedout": "redirects to the sign-in page of Azure DevOps",
    "gateway": "lies behind a gateway that refuses: 403 in plain text",
    "filtered": "lies behind a web filter: 200 with a page that is not Azure DevOps'",
    "redirected": "is redirected to another host, a web filter's",
    "renamed": "was renamed: 301 to its new name",
    "unmaterialized": "waits for the person's first sign-in with a browser: 401 with `AadUserStateException`",
    "pipelines-only": "has no classic releases at all: 404 with a page",
    "listless": "answers its list of projects with an error in the shape of a list",
    "unlisted": "refuses its list of projects without a word: 401",
    "stateless": "lists its projects without their state",
    "endless": "lists projects without end: each page brings new ones and another token",
    "doubled": "lists one of its 110 projects on two pages",
    "uneven": "denies every change in its first project, and none in its second",
    "protected": "changes its branch main by pull request only, and lets nobody force push",
    "patchy": "answers an error for the repositories of one of its 20 projects: 400 with `FeatureDisabledException`",
    "deleted": "was deleted: 404 with `HostDoesNotExistException`",
}
PROJECT_COUNT = 137
COLLECTION = "DefaultCollection"
# How many numbers of builds and releases each project of an organization may use up.
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
    """A fresh state; nothing that changes in it is shared with another one.

    On a server of one's own the tokens for acme open the collection that every such server has.
    """
    state = State()
    collections = [] if edition.hosted else [_acme(COLLECTION)]
    for organization in (_acme("acme"), _fabrikam(), *_troubled(), *collections):
        state.organizations[organization.name.lower()] = organization
    for token in _tokens():
        state.tokens[token.secret] = token
    return state


def _tokens() -> list[Token]:
    read = ("vso.code", "vso.build", "vso.release")
    rows: list[tuple[str, Person, str | None, tuple[str, ...], str]] = [
        # Opens the troubled organizations too, so that one token is enough to see them all; it is not global.
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
    return [Token(secret(name), name, who, where, scopes, state) for name, who, where, scopes, state in rows]


def _troubled() -> list[Organization]:
    found = {name: Organization(name, members={MAYA.id, NOOR.id}) for name in TROUBLED}
    for name, organization in found.items():
        organization.usual_faults = FAULTS.get(name, ())
        organization.projects.append(_plain_project(name, "Main"))
    found["stopped"].stopped = True
    found["fenced"].fenced = True
    found["strict"].refuses_global_tokens = True
    found["silent"].refuses_silently = True
    found["throttled"].throttled = 30.0
    found["commons"].projects.append(_plain_project("commons", "Open Source", visibility="public"))
    found["guarded"].members.add(GUEST.id)
    found["guarded"].powerless = {GUEST.id}
    found["guarded"].permission_first = True
    found["doubled"].projects = [_plain_project("doubled", f"Service {number:03d}") for number in range(1, 111)]
    found["uneven"].projects = [
        _rich_when_opened("uneven", "Restricted"),
        _rich_when_opened("uneven", "Open", after=_NUMBERS),
    ]
    found["uneven"].projects[0].denied = CHANGES
    found["protected"].projects = [_rich_when_opened("protected", "Main", protected=frozenset({"refs/heads/main"}))]
    found["protected"].projects[0].denied = frozenset({"ForcePush"})
    found["patchy"].projects = [_plain_project("patchy", f"Service {number:03d}") for number in range(1, 21)]
    for name in ("pipelines-only", "listless", "unlisted", "stateless"):
        found[name].projects = [_rich_when_opened(name, "Main")]
    found["modern"].projects = [_project_with_builds("modern", "Main")]
    found["modern"].without_classic_releases = True
    return list(found.values())


def _fabrikam() -> Organization:
    organization = Organization("fabrikam", members={MAYA.id, NOOR.id})
    organization.projects = [_rich_project("fabrikam", "Tailspin"), _plain_project("fabrikam", "Wiki")]
    return organization


def _acme(own: str) -> Organization:
    members_of_all = {MAYA.id, NOOR.id, GUEST.id, LONER.id}
    organization = Organization(own, members=members_of_all, powerless={GUEST.id}, tokens_of="acme")
    members = frozenset({MAYA.id, NOOR.id})
    names = [*_SPECIAL_NAMES, *(f"Service {number:03d}" for number in range(1, PROJECT_COUNT))]
    for index, name in enumerate(names[:PROJECT_COUNT]):
        project = _rich_project(own, name, after=index * _NUMBERS) if index < 2 else _plain_project(own, name)
        project.seen_by = members | {GUEST.id} if index < 2 else members
        organization.projects.append(project)
    organization.projects += [
        Project(stable_id(own, "Old Shop"), "Old Shop", state="deleting", seen_by=members),
        Project(stable_id(own, "Retired"), "Retired", state="deleted", seen_by=members),
        Project(stable_id(own, "Brand New"), "Brand New", state="createPending", seen_by=members),
        Project(stable_id(own, "Board Room"), "Board Room", seen_by=frozenset({BOARD.id})),
    ]
    return organization


def _plain_project(organization: str, name: str, *, visibility: str = "private") -> Project:
    def fill(project: Project) -> None:
        project.repositories.append(small_repository(organization, name, name))

    # There are hundreds in every state, and few are ever looked into.
    return Project(stable_id(organization, name), name, visibility=visibility, fill=fill)


def _project_with_builds(organization: str, name: str, *, after: int = 0) -> Project:
    project = _described(organization, name, after=after)
    _fill_with_builds(organization, project)
    return project


def _described(organization: str, name: str, *, after: int = 0) -> Project:
    """A project whose builds and releases are numbered from `after`, for no two of an organization share a number."""
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
    """Something of everything, made when somebody first looks; `protected` are refs of the first repository."""

    def fill(project: Project) -> None:
        _fill_with_builds(organization, project)
        add_releases(project)
        project.repositories[0].protected |= protected

    project = _described(organization, name, after=after)
    project.fill = fill
    return project
