"""`manage.py repositories` and `manage.py builds`: what scripts read, and the codes they end with."""

import json
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import call_command

from connections.models import CapabilityState, Connection
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import Pipeline, Project, SyncState
from history.models import Event
from sandbox.server import Sandbox
from tests.delivery.conftest import Clock
from tests.delivery.terminal import run
from tests.factories import ConnectionFactory

Connect = Callable[..., Connection]
BringIn = Callable[[Connection], SyncState]


@pytest.fixture
def pipelines(connected: Connect, bring_in: BringIn, clock: Clock) -> Connection:
    connection = connected(organization="fabrikam")
    bring_in(connection)
    for batch in polling.claim_due(now=clock()):
        polling.poll(batch, READERS, clock=clock)
    return connection


def test_refresh_brings_in_without_a_worker_and_says_what_there_is(connected: Connect) -> None:
    connected(organization="fabrikam")
    code, value = run("repositories", "refresh", "Acme main", "--json")
    assert (code, value["projects"], value["problem"]) == (0, 2, "")
    assert Event.objects.get(kind="repositories.refreshed").actor_name == "command line"


def test_refresh_that_was_asked_to_wait_is_not_called_complete(connected: Connect, sandbox: Sandbox) -> None:
    connected(organization="fabrikam")
    sandbox.behaviour.add("near_limit", retry_after=100)
    code, value = run("repositories", "refresh", "Acme main", "--json")
    assert (code, value["complete"], value["problem"]) == (4, False, "throttled")


def test_refresh_that_is_refused_ends_with_one(connected: Connect, sandbox: Sandbox) -> None:
    connected(organization="fabrikam")
    token = sandbox.state.token_named("full")
    assert token is not None
    token.state = "expired"
    code, value = run("repositories", "refresh", "Acme main", "--json")
    assert (code, value["problem"]) == (1, "token_expired")


def test_refresh_that_could_not_be_told_ends_with_four(connected: Connect, sandbox: Sandbox) -> None:
    connected(organization="fabrikam")
    sandbox.behaviour.add("status", status=500)
    assert run("repositories", "refresh", "Acme main", "--json")[0] == 4


def test_refresh_of_what_a_worker_holds_is_left_alone(
    connected: Connect, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(organization="fabrikam")
    SyncState.objects.update(leased_until=clock.forward(seconds=60), lease="x")
    assert run("repositories", "refresh", "Acme main", "--json") == (4, {"problem": "under_way"})


def test_refresh_with_projects_that_could_not_be_listed_ends_with_three(connected: Connect, sandbox: Sandbox) -> None:
    connected(organization="fabrikam")
    missing = {"status": 404, "body": '{"message": "TF200016", "typeKey": "ProjectDoesNotExistWithNameException"}'}
    sandbox.behaviour.add("status", path="/_apis/git/repositories$", times=1, **missing)
    code, value = run("repositories", "refresh", "Acme main", "--json")
    assert (code, value["projects_not_listed"]) == (3, 1)


def test_an_unknown_connection_ends_with_one(db: None) -> None:
    assert run("repositories", "refresh", "Nowhere")[0] == 1


def test_without_a_name_the_default_connection_is_refreshed(connected: Connect) -> None:
    connected(organization="fabrikam")
    assert run("repositories", "refresh")[0] == 2
    Connection.objects.update(is_default=True)
    code, value = run("repositories", "refresh", "--json")
    assert (code, value["connection"]) == (0, "Acme main")


def test_of_several_pipelines_of_one_name_that_of_the_default_connection_is_meant(pipelines: Connection) -> None:
    ci = Pipeline.objects.get(name="Tailspin CI")
    other = Project.objects.create(connection=ConnectionFactory.create(), azure_id="x", name="X", seen_at=ci.seen_at)
    Pipeline.objects.create(project=other, azure_id=1, name="Tailspin CI", seen_at=ci.seen_at)
    words = ("builds", "show", "Tailspin CI", str(ci.build_id), "--json")
    assert run(*words)[0] == 2
    Connection.objects.filter(pk=pipelines.pk).update(is_default=True)
    assert run(*words)[1]["id"] == ci.build_id


def test_repositories_are_listed_one_object_a_line(pipelines: Connection) -> None:
    out = StringIO()
    call_command("repositories", "list", "--connection", "acme main", "--json", stdout=out)
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    assert {one["name"] for one in found} >= {"Tailspin", "Empty"}


def test_pipelines_are_listed_by_state(pipelines: Connection) -> None:
    code, value = run("builds", "list", "--state", "failed", "--json")
    assert (code, [one["name"] for one in value]) == (0, ["Tailspin Nightly"])


def test_a_run_without_waiting_says_what_was_queued(pipelines: Connection) -> None:
    code, value = run("builds", "run", "Tailspin CI", "--branch", "main", "--json")
    assert (code, value["state"], value["branch"]) == (0, "queued", "refs/heads/main")
    assert Event.objects.get(kind="run_pipeline.done").detail["build_id"] == value["id"]


@pytest.mark.parametrize(("name", "code"), [("CI", 0), ("Nightly", 1), ("Integration", 3)])
def test_a_run_that_is_followed_ends_with_the_code_of_its_result(
    pipelines: Connection, quick: None, name: str, code: int
) -> None:
    ended, value = run("builds", "run", f"Tailspin {name}", "--branch", "main", "--wait", "--json")
    assert ended == code, value


def test_a_run_that_is_not_over_in_time_could_not_be_told(pipelines: Connection, quick: None) -> None:
    words = ("builds", "run", "Tailspin Device tests", "--branch", "main", "--wait", "--timeout", "0", "--json")
    assert run(*words)[0] == 4


def test_show_of_a_build_that_goes_on_is_no_failure(pipelines: Connection) -> None:
    devices = Pipeline.objects.get(name="Tailspin Device tests")
    assert run("builds", "show", devices.name, str(devices.build_id), "--json")[0] == 0


def test_what_is_refused_says_why_in_the_catalogues_words(pipelines: Connection) -> None:
    CapabilityState.objects.filter(capability="build_execute").update(verdict="missing")
    code, value = run("builds", "run", "Tailspin CI", "--branch", "main", "--json")
    assert (code, value["problem"]) == (1, "scope_missing")


def test_where_the_name_is_not_enough_the_command_asks_for_more(
    pipelines: Connection, connected: Connect, bring_in: BringIn, clock: Clock
) -> None:
    Pipeline.objects.filter(name="Tailspin Nightly").update(name="Tailspin CI")
    assert run("builds", "show", "Tailspin CI", "1")[0] == 2
    assert run("builds", "show", "Nothing", "1")[0] == 1
