"""`manage.py connections calibrate`, and the action behind it: who may, what is recorded, what is saved."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from connections.actions.calibrate import calibrate
from connections.actions.refusals import CannotCalibrate
from connections.actions.token_test_rate_limit import TooManyTests
from connections.domain.calibration import Result, Told
from connections.models import Connection, StoredCredential
from history.current_actor import acting_as
from history.event_types import event_row
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox
from tests.connections.commands import Ran, TypeIn

Connected = Callable[..., Connection]
FULL = ("--code", "manage", "--build", "execute", "--release", "manage")
ALL = Told(code="manage", build="execute", release="manage")
BY = Actor("root")


class Terminal(io.StringIO):
    """A person at a keyboard who types these lines."""

    def isatty(self) -> bool:
        """Somebody is there."""
        return True


@pytest.fixture
def sits_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Somebody sits at a terminal, in an empty folder, and types."""
    monkeypatch.chdir(tmp_path)
    return lambda lines: monkeypatch.setattr("sys.stdin", Terminal(lines))


def test_the_whole_file_is_shown_before_it_is_saved(connected: Connected, sits_at: TypeIn, tmp_path: Path) -> None:
    connected()
    sits_at("manage\nexecute\nmanage\ny\n")
    ran = Ran("calibrate", "Acme main")
    assert ran.code == 0
    (saved,) = tmp_path.iterdir()
    assert saved.name == f"calibration-{timezone.localdate()}.json"
    assert saved.read_text() in ran.out
    assert json.loads(saved.read_text())["counts"]["as_expected"] == 18
    assert "Probe of Code: Read & write: as expected" in ran.out
    assert ran.err.index("Save this as") < ran.err.index("Saved as")


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "maybe\n"])
def test_without_a_yes_nothing_is_saved(connected: Connected, sits_at: TypeIn, tmp_path: Path, answer: str) -> None:
    connected()
    sits_at(answer)
    ran = Ran("calibrate", "Acme main", *FULL)
    assert (ran.code, list(tmp_path.iterdir())) == (0, [])
    assert '"counts"' in ran.out


def test_what_is_no_scope_is_asked_for_again(connected: Connected, sits_at: TypeIn) -> None:
    connected()
    sits_at("everything\nMANAGE\nexecute\nmanage\nn\n")
    ran = Ran("calibrate", "Acme main")
    assert ran.code == 0
    assert ran.err.count("Code: which scope does the token have? none, read, write, manage") == 2


def test_a_script_says_everything_by_options(connected: Connected, type_in: TypeIn, tmp_path: Path) -> None:
    connected()
    type_in("")
    target = tmp_path / "calibration.json"
    ran = Ran("calibrate", "Acme main", *FULL, "--yes", "--output", str(target), "--json")
    assert ran.code == 0
    assert ran.json == json.loads(target.read_text())


def test_a_script_that_does_not_save_prints_the_file(connected: Connected, type_in: TypeIn) -> None:
    connected()
    type_in("")
    assert Ran("calibrate", "Acme main", *FULL, "--json").json["counts"]["different"] == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "Add --code"),
        (("--code", "read", "--build", "read"), "Add --release"),
        ((*FULL, "--output", "x.json"), "Add --yes"),
    ],
)
def test_a_script_that_says_too_little_asks_nobody(
    connected: Connected, sandbox: Sandbox, type_in: TypeIn, words: tuple[str, ...], complaint: str
) -> None:
    connected()
    asked = len(sandbox.requests)
    type_in("")
    ran = Ran("calibrate", "Acme main", *words)
    assert ran.code == 2
    assert complaint in ran.err
    assert len(sandbox.requests) == asked


def test_a_file_that_exists_is_never_overwritten(
    connected: Connected, sandbox: Sandbox, type_in: TypeIn, tmp_path: Path
) -> None:
    connected()
    asked = len(sandbox.requests)
    type_in("")
    target = tmp_path / "mine.json"
    target.write_text("mine")
    ran = Ran("calibrate", "Acme main", *FULL, "--yes", "--output", str(target))
    assert (ran.code, target.read_text(), len(sandbox.requests)) == (2, "mine", asked)


def test_a_file_that_cannot_be_written_is_said(connected: Connected, type_in: TypeIn, tmp_path: Path) -> None:
    connected()
    type_in("")
    ran = Ran("calibrate", "Acme main", *FULL, "--yes", "--output", str(tmp_path / "nowhere" / "x.json"))
    assert ran.code == 1
    assert "could not be written" in ran.err


def test_the_exit_code_says_how_it_came_out(connected: Connected, sandbox: Sandbox, type_in: TypeIn) -> None:
    connected()
    type_in("")
    told_wrongly = Ran("calibrate", "Acme main", "--code", "none", "--build", "execute", "--release", "manage")
    assert told_wrongly.code == 3
    assert "different in status" in told_wrongly.out
    sandbox.behaviour.add("close", path="/builds")
    unanswered = Ran("calibrate", "Acme main", *FULL)
    assert unanswered.code == 4
    assert "no answer: " in unanswered.out


def test_a_token_that_is_not_valid_needs_no_scopes(connected: Connected, sandbox: Sandbox, type_in: TypeIn) -> None:
    connected()
    type_in("")
    for token in sandbox.state.tokens.values():
        token.state = "revoked"
    ran = Ran("calibrate", "Acme main", "--token-state", "revoked", "--json")
    assert (ran.code, ran.json["counts"]) == (0, {"as_expected": 4, "different": 0, "no_answer": 0, "not_asked": 14})


def test_no_such_connection_is_refused(db: None) -> None:
    assert Ran("calibrate", "Nothing", *FULL).code == 1


# The action


def test_what_who_and_when_are_recorded_and_no_value(connected: Connected, maintainer: User) -> None:
    connection, now = connected(), timezone.now()
    calibrate(connection, Told(code="read"), by=Actor("root", maintainer.pk), now=now)
    event = Event.objects.get(kind="connection.calibrated")
    assert (event.actor_name, event.actor_id, event.at, event.subject_name) == ("root", maintainer.pk, now, "Acme main")
    assert event.detail == {"asked": 18, "different": 10}
    assert event_row(event).detail == "18 requests, 10 unexpected responses"


def test_nothing_about_the_connection_changes(connected: Connected) -> None:
    connection = connected()
    before = Connection.objects.filter(pk=connection.pk).values()[0]
    states = list(connection.capabilities.order_by("pk").values())
    calibrate(connection, Told(), by=BY, now=timezone.now())
    assert Connection.objects.filter(pk=connection.pk).values()[0] == before
    assert list(connection.capabilities.order_by("pk").values()) == states


def test_a_calibration_counts_as_a_test(connected: Connected, maintainer: User, settings: Settings) -> None:
    connection = connected()
    settings.TESTS_PER_PERSON = 1
    with acting_as(Actor("maya", maintainer.pk)):
        calibrate(connection, ALL, by=BY, now=timezone.now())
        with pytest.raises(TooManyTests):
            calibrate(connection, ALL, by=BY, now=timezone.now() + timedelta(seconds=1))
    assert Event.objects.filter(kind="connection.calibrated").count() == 1


@pytest.mark.parametrize("broken", ["token", "server", "state"])
def test_what_cannot_begin_says_why_and_asks_nobody(connected: Connected, sandbox: Sandbox, broken: str) -> None:
    connection = connected()
    asked, told = len(sandbox.requests), ALL
    if broken == "token":
        StoredCredential.objects.all().delete()
        connection = Connection.objects.get()
    elif broken == "server":
        connection.server = "Gone"
    else:
        connection.server, told = "Gone", Told("another-organization")
    with pytest.raises(CannotCalibrate) as raised:
        calibrate(connection, told, by=BY, now=timezone.now())
    assert raised.value.message
    assert len(sandbox.requests) == asked
    assert not Event.objects.filter(kind="connection.calibrated").exists()


def test_names_that_are_known_here_are_not_told_as_types_of_error(connected: Connected, sandbox: Sandbox) -> None:
    connection = connected("Zeppelin")
    body = {"typeKey": "ZeppelinException", "message": "x"}
    headers = {"Content-Type": "application/json"}
    sandbox.behaviour.add("status", path="/git/", status=404, body=json.dumps(body), headers=headers)
    found = calibrate(connection, ALL, by=BY, now=timezone.now())
    assert found.counts[Result.DIFFERENT] == 4
    assert "Zeppelin" not in found.file()
