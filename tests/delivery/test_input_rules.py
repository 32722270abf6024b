"""What may be sent to Azure DevOps, through whichever way in: actions and commands refuse what forms refuse."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from connections.domain.problems import catalogue
from connections.input_rules import InvalidInput
from connections.models import Connection
from delivery import input_rules, operations
from delivery.builds import build_changes
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import Pipeline, Repository, SyncState
from delivery.releases import release_changes
from delivery.releases.release_changes import Decision, NewRelease, Place
from delivery.remote_read import RemoteReadError
from delivery.repositories import repository_changes
from delivery.repositories.repository_changes import FileCommit
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox
from tests.delivery.conftest import Clock
from tests.delivery.terminal import run

Connect = Callable[..., Connection]
BringIn = Callable[[Connection], SyncState]
ANN = Actor("ann")
PLACE = Place(1, "Release-1", 1, "Production")
LONG = "x" * 2001


@pytest.fixture
def repository(connected: Connect, bring_in: BringIn, clock: Clock) -> Repository:
    bring_in(connected(organization="fabrikam"))
    for batch in polling.claim_due(now=clock()):
        polling.poll(batch, READERS, clock=clock)
    return Repository.objects.get(name="Tailspin")


def acts(repository: Repository) -> dict[str, Callable[..., object]]:
    """Every act that takes a text, with its right values in place of those that are not given."""
    now, project = timezone.now(), repository.project
    pipeline = Pipeline.objects.filter(project=project).first()
    assert pipeline is not None

    def commit(**given: Any) -> object:
        wish = FileCommit(**({"branch": "main", "path": "/a.md", "content": "a", "comment": "Say a"} | given))
        return repository_changes.commit_file(repository, wish, by=ANN, now=now)

    return {
        "repository": lambda name: repository_changes.create_repository(project, name, by=ANN, now=now),
        "branch": lambda name="new", source="main": repository_changes.create_branch(
            repository, name, source=source, by=ANN, now=now
        ),
        "commit": commit,
        "run": lambda branch: build_changes.run_pipeline(pipeline, branch, by=ANN, now=now),
        "release": lambda description: release_changes.create_release(
            project, NewRelease(1, "CD", description=description), by=ANN, now=now
        ),
        "deploy": lambda comment: release_changes.change_stage(
            operations.DEPLOY_STAGE, project, PLACE, comment=comment, by=ANN, now=now
        ),
        "cancel": lambda comment: release_changes.change_stage(
            operations.CANCEL_DEPLOYMENT, project, PLACE, comment=comment, by=ANN, now=now
        ),
        "approve": lambda comment: release_changes.decide(
            operations.APPROVE_DEPLOYMENT, project, PLACE, Decision(1, comment), by=ANN, now=now
        ),
        "reject": lambda comment: release_changes.decide(
            operations.REJECT_DEPLOYMENT, project, PLACE, Decision(1, comment), by=ANN, now=now
        ),
    }


WRONG = [
    ("repository", {"name": " "}, "repository_name_missing"),
    ("repository", {"name": "x" * 65}, "repository_name_invalid"),
    ("repository", {"name": "a\nb"}, "repository_name_invalid"),
    ("repository", {"name": "a\u202eb"}, "repository_name_invalid"),
    ("branch", {"name": ""}, "branch_name_invalid"),
    ("branch", {"name": "a..b"}, "branch_name_invalid"),
    ("branch", {"source": "a b"}, "branch_name_invalid"),
    ("branch", {"name": "\udcff"}, "branch_name_invalid"),
    ("branch", {"name": "x" * 1001}, "branch_name_invalid"),
    ("run", {"branch": ""}, "branch_name_invalid"),
    ("run", {"branch": "a\x1b[31m"}, "branch_name_invalid"),
    ("run", {"branch": "-x"}, "branch_name_invalid"),
    ("commit", {"branch": "a..b"}, "branch_name_invalid"),
    ("commit", {"path": "/../x"}, "path_invalid"),
    ("commit", {"path": "/.git/config"}, "path_invalid"),
    ("commit", {"path": "/a\u200bb"}, "path_invalid"),
    ("commit", {"path": "/a\nb", "seen": "f" * 40}, "path_invalid"),
    ("commit", {"path": "x" * 1001}, "path_invalid"),
    ("commit", {"content": "x" * 600_000}, "file_too_long"),
    ("commit", {"content": "a\0"}, "text_invalid"),
    ("commit", {"comment": " \n "}, "commit_message_missing"),
    ("commit", {"comment": LONG}, "comment_too_long"),
    ("release", {"description": LONG}, "comment_too_long"),
    *((act, {"comment": LONG}, "comment_too_long") for act in ("deploy", "cancel", "approve", "reject")),
    *((act, {"comment": "\udcff"}, "text_invalid") for act in ("deploy", "cancel", "approve", "reject")),
]


@pytest.mark.parametrize(("act", "given", "code"), WRONG)
def test_an_action_refuses_it_before_anything_is_asked(
    repository: Repository, sandbox: Sandbox, act: str, given: dict[str, str], code: str
) -> None:
    sandbox.requests.clear()
    known = Event.objects.count()
    with pytest.raises(RemoteReadError) as refused:
        acts(repository)[act](**given)
    assert refused.value.code == code
    assert sandbox.requests == []
    assert Event.objects.count() == known


@pytest.mark.parametrize("code", sorted({code for _, _, code in WRONG}))
def test_each_refusal_has_words_in_the_catalogue(code: str) -> None:
    assert catalogue.problem(code).code == code


@pytest.mark.parametrize("branch", ["", "a..b", "\udcff", "a\x1b[31m"])
def test_a_command_refuses_a_branch_that_the_form_refuses(
    repository: Repository, sandbox: Sandbox, branch: str
) -> None:
    pipeline = Pipeline.objects.first()
    assert pipeline is not None
    sandbox.requests.clear()
    options = ("--project", pipeline.project.name, "--json")
    code, value = run("builds", "run", pipeline.name, f"--branch={branch}", *options)
    assert (code, value["problem"]) == (1, "branch_name_invalid")
    assert sandbox.requests == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words",
    [
        ("builds", "list", "--project=\udcff"),
        ("builds", "run", "\udcff", "--branch=main"),
        ("releases", "list", "--connection=\udcff"),
        ("releases", "show", "\udcff"),
        ("repositories", "list", "--connection=\udcff"),
        ("connections", "events", "--person=\udcff", "--kind=\udcff"),
        ("connections", "test", "\udcff"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_name_that_is_no_text_names_nothing(words: tuple[str, ...]) -> None:
    assert run(*words)[0] in (0, 1, 2)


@pytest.mark.parametrize(
    ("branch", "name"),
    [
        (" main\n", "main"),
        ("refs/heads/main", "main"),
        ("refs/tags/v1", "refs/tags/v1"),
        ("$/Project/main", "$/Project/main"),
        ("feature/設計\u3000案", "feature/設計\u3000案"),
    ],
)
def test_a_branch_is_sent_as_git_knows_it(branch: str, name: str) -> None:
    assert input_rules.branch_name(branch) == name


def test_the_path_of_a_file_that_is_there_is_taken_as_it_is() -> None:
    odd = "/docs/ a\u200bb.md "
    assert input_rules.file_path(odd, is_new=False) == odd
    with pytest.raises(InvalidInput):
        input_rules.file_path(odd, is_new=True)


def test_lines_of_a_comment_end_in_one_way() -> None:
    assert input_rules.comment(" a\r\nb\n") == "a\nb"
