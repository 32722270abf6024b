"""The sample organizations, people and tokens that every sandbox begins with."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sandbox.scopes import FULL
from sandbox.world import (
    EPOCH,
    Approval,
    Build,
    Commit,
    Definition,
    Organization,
    Person,
    Project,
    Release,
    ReleaseDefinition,
    ReleaseEnvironment,
    Repository,
    Token,
    World,
    stable_id,
    stable_sha,
)

MAYA = Person("Maya Sample", "maya@example.com")
NOOR = Person("Noor Sample", "noor@example.com")
GUEST = Person("Gale Sample", "gale@example.com")
STRANGER = Person("Sam Sample", "sam@example.com")
LONER = Person("Lou Sample", "lou@example.com")
BOARD = Person("Board Sample", "board@example.com")


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
    _sample("no-rights", "acme", "has the scopes, but the person may change nothing"),
    _sample("no-projects", "acme", "the person sees no project"),
    _sample("expired", "acme", "has expired"),
    _sample("revoked", "acme", "was revoked"),
    _sample("not-a-member", "acme", "the person is not a member"),
    _sample("other-organization", "acme", "was made for fabrikam"),
    _sample("global", "acme", "was made for all accessible organizations"),
)
# Names that always misbehave, with any of the tokens above.
TROUBLED = {
    "stopped": "is deactivated",
    "fenced": "has a conditional access policy",
    "strict": "refuses tokens for all organizations",
    "commons": "has a public project",
    "slow": "answers after three seconds",
    "stuck": "drips its answers",
    "throttled": "asks to wait",
    "down": "answers with errors",
    "signin": "shows a sign-in page",
}
_FAULTS: dict[str, dict[str, Any]] = {
    "slow": {"kind": "latency", "seconds": 3.0},
    "stuck": {"kind": "drip", "seconds": 0.5},
    "throttled": {"kind": "throttle", "retry_after": 30},
    "down": {"kind": "status", "status": 500},
    "signin": {"kind": "sign_in_page"},
}
PROJECT_COUNT = 137
_SPECIAL_NAMES = (
    "Storefront",
    "Payments API",
    "Zażółć gęślą jaźń",
    "日本語プロジェクト",
    "Проект «Мост»",
    "It’s complicated",
    "A project whose name uses every one of the sixty-four characters",
)


def build_world() -> World:
    """A fresh world; nothing in it is shared with another one."""
    world = World()
    for organization in (_acme(), _fabrikam(), *_troubled()):
        world.organizations[organization.name] = organization
    for token in _tokens():
        world.tokens[token.secret] = token
    return world


def _tokens() -> list[Token]:
    read = ("vso.code", "vso.build", "vso.release")
    rows: list[tuple[str, Person, str | None, tuple[str, ...], str]] = [
        ("full", MAYA, None, FULL, "active"),
        ("full-again", MAYA, "acme", FULL, "active"),
        ("full-colleague", NOOR, "acme", FULL, "active"),
        ("read-only", MAYA, "acme", read, "active"),
        ("no-build", MAYA, "acme", ("vso.code_manage", "vso.release_manage"), "active"),
        ("no-release", MAYA, "acme", ("vso.code_manage", "vso.build_execute"), "active"),
        ("code-only", MAYA, "acme", ("vso.code",), "active"),
        ("no-rights", GUEST, "acme", FULL, "active"),
        ("no-projects", LONER, "acme", FULL, "active"),
        ("expired", MAYA, "acme", FULL, "expired"),
        ("revoked", MAYA, "acme", FULL, "revoked"),
        ("not-a-member", STRANGER, "acme", FULL, "active"),
        ("other-organization", MAYA, "fabrikam", FULL, "active"),
        ("global", MAYA, None, FULL, "active"),
    ]
    tokens = [Token(secret(name), name, who, where, scopes, state) for name, who, where, scopes, state in rows]
    # "full" opens the troubled organizations too, so that one token is enough to see them all; it is not global.
    tokens[0].organization = "*"
    return tokens


def _troubled() -> list[Organization]:
    found = []
    for name in TROUBLED:
        organization = Organization(name, members={MAYA.id, NOOR.id}, usual_fault=_FAULTS.get(name))
        organization.projects.append(_plain_project(name, "Main"))
        found.append(organization)
    by_name = {one.name: one for one in found}
    by_name["stopped"].stopped = True
    by_name["fenced"].fenced = True
    by_name["strict"].refuses_global_tokens = True
    by_name["commons"].projects.append(_plain_project("commons", "Open Source", visibility="public"))
    return found


def _fabrikam() -> Organization:
    organization = Organization("fabrikam", members={MAYA.id, NOOR.id})
    organization.projects = [_rich_project("fabrikam", "Tailspin"), _plain_project("fabrikam", "Wiki")]
    return organization


def _acme() -> Organization:
    organization = Organization("acme", members={MAYA.id, NOOR.id, GUEST.id, LONER.id}, powerless={GUEST.id})
    members = frozenset({MAYA.id, NOOR.id})
    names = [*_SPECIAL_NAMES, *(f"Service {number:03d}" for number in range(1, PROJECT_COUNT))]
    for index, name in enumerate(names[:PROJECT_COUNT]):
        make = _rich_project if index < 2 else _plain_project
        project = make("acme", name)
        project.seen_by = members | {GUEST.id} if index < 2 else members
        organization.projects.append(project)
    organization.projects += [
        Project(stable_id("acme", "Old Shop"), "Old Shop", state="deleting", seen_by=members),
        Project(stable_id("acme", "Retired"), "Retired", state="deleted", seen_by=members),
        Project(stable_id("acme", "Brand New"), "Brand New", state="createPending", seen_by=members),
        Project(stable_id("acme", "Board Room"), "Board Room", seen_by=frozenset({BOARD.id})),
    ]
    return organization


def _plain_project(organization: str, name: str, *, visibility: str = "private") -> Project:
    project = Project(stable_id(organization, name), name, visibility=visibility)
    project.repositories.append(_repository(organization, name, name))
    return project


def _rich_project(organization: str, name: str) -> Project:
    project = _plain_project(organization, name)
    project.description = f"{name}, with something of everything"
    empty = Repository(stable_id(organization, name, "empty"), "Empty")
    disabled = _repository(organization, name, "Archived")
    disabled.disabled = True
    project.repositories += [_repository(organization, name, "web client"), empty, disabled]
    _add_builds(project)
    _add_releases(project)
    return project


def _repository(organization: str, project: str, name: str) -> Repository:
    repository = Repository(stable_id(organization, project, name), name, default_branch="refs/heads/main")
    tree: dict[str, bytes] = {}
    parents: tuple[str, ...] = ()
    changes = (
        ("Begin", {"/README.md": f"# {name}\n\nA sample repository.\n".encode()}),
        ("Add the pipeline", {"/azure-pipelines.yml": b"trigger:\n- main\nsteps:\n- script: echo hello\n"}),
        ("Add sources", {"/src/app.py": b'print("hello")\n', "/assets/dot.png": b"\x89PNG\r\n\x1a\n\x00\x00"}),
    )
    for number, (comment, files) in enumerate(changes):
        tree = {**tree, **files}
        sha = stable_sha(organization, project, name, number)
        author = MAYA if number % 2 == 0 else NOOR
        repository.commits[sha] = Commit(sha, author, EPOCH + timedelta(hours=number), comment, parents, tree)
        parents = (sha,)
    repository.branches = {
        "refs/heads/main": parents[0],
        "refs/heads/topic/search": stable_sha(organization, project, name, 1),
    }
    return repository


_OUTCOMES = (
    ("completed", "succeeded"),
    ("completed", "failed"),
    ("completed", "partiallySucceeded"),
    ("completed", "canceled"),
    ("inProgress", None),
    ("notStarted", None),
)


def _add_builds(project: Project) -> None:
    repository = project.repositories[0]
    for number, name in enumerate(("CI", "Nightly"), start=1):
        project.definitions.append(Definition(number, f"{project.name} {name}", repository))
    for number, (status, result) in enumerate(_OUTCOMES, start=1):
        queued = EPOCH + timedelta(hours=number)
        started = queued + timedelta(seconds=12) if status != "notStarted" else None
        finished = queued + timedelta(minutes=4) if status == "completed" else None
        build = Build(
            number,
            f"20261102.{number}",
            project.definitions[number % 2],
            "refs/heads/main",
            MAYA,
            queued,
            status,
            result,
            started_at=started,
            finished_at=finished,
        )
        project.builds.append(build)


def _add_releases(project: Project) -> None:
    definition = ReleaseDefinition(1, f"Deploy {project.name}", ("Test", "Production"), project.definitions[0])
    project.release_definitions.append(definition)
    for number, states in enumerate((("succeeded", "succeeded"), ("succeeded", "notStarted")), start=1):
        stages = [
            ReleaseEnvironment(number * 10 + rank, stage, state, rank)
            for rank, (stage, state) in enumerate(zip(definition.environments, states, strict=True), start=1)
        ]
        created = EPOCH + timedelta(days=number)
        project.releases.append(Release(number, f"Release-{number}", definition, NOOR, created, stages))
    last = project.releases[-1]
    project.approvals.append(Approval(1, last, last.environments[1], NOOR, last.created_at))
