"""Many organizations for benchmarks, created on first access."""

from dataclasses import dataclass

from sandbox.ids import stable_id
from sandbox.people import Person, Token
from sandbox.repositories import Repository
from sandbox.sample_code import MAYA, NOOR, small_repository
from sandbox.samples import secret
from sandbox.scopes import FULL
from sandbox.state import Organization, Project, State

_PREFIX = "bench-"


@dataclass(frozen=True)
class Scale:
    """How many organizations, projects in each of them, and repositories in each project."""

    organizations: int
    projects: int
    repositories: int


def bench_name(number: int) -> str:
    """The name of an organization, and of the token of a person who belongs only to it."""
    return f"{_PREFIX}{number:03d}"


def add_benchmark(state: State, scale: Scale) -> None:
    """Add the organizations. The sample tokens for acme open each of them."""
    for number in range(scale.organizations):
        name = bench_name(number)
        token = Token(secret(name), name, _person(name), name, FULL)
        state.tokens[token.secret] = token
    template = small_repository("bench", "bench", "Repository")

    def make(name: str) -> Organization | None:
        number = name.removeprefix(_PREFIX)
        exists = number.isdigit() and int(number) < scale.organizations and name == bench_name(int(number))
        return _organization(name, scale, template) if exists else None

    state.more = make


def _person(name: str) -> Person:
    return Person(f"{name.title()} Sample", f"{name}@example.com")


def _organization(name: str, scale: Scale, template: Repository) -> Organization:
    organization = Organization(name, members={MAYA.id, NOOR.id, _person(name).id}, tokens_of="acme")

    def fill(project: Project) -> None:
        project.repositories = [
            Repository(
                stable_id(project.id, number),
                f"Repository {number:04d}",
                dict(template.refs),
                dict(template.commits),
                template.default_branch,
                pushes=list(template.pushes),
            )
            for number in range(scale.repositories)
        ]

    organization.projects = [
        Project(stable_id(name, number), f"Project {number:04d}", fill=fill) for number in range(scale.projects)
    ]
    return organization
