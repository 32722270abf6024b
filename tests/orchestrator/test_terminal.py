"""No command, log line or console passes control characters on, whatever is stored."""

import io
import json
import logging
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.utils import timezone

from connections.models import ChosenProject, Connection
from core.control_characters import one_line, without_control_characters
from core.logs import Formatter
from core.terminal import TerminalCommand
from delivery.models import Pipeline, Project, ReleasePipeline, Repository
from history.record import Actor, record
from orchestrator.supervisor.console import Console
from tests.factories import ConnectionFactory

# Colours, a title, a cleared line, C1's way to begin a sequence, an override of direction, a line of its own.
NASTY = "a\x1b[31m\x1b]0;x\x07\r\x9b2K\u202eb\u2066c\u2028d\x7f"
WITH_LINE = f"{NASTY}\nhealthy      2099-01-01   forged               Forged"


def control_characters(text: str) -> list[str]:
    marks = {"\u200e", "\u200f", "\u061c", "\u2028", "\u2029", *map(chr, range(0x202A, 0x202F))}
    marks |= set(map(chr, range(0x2066, 0x206A)))
    return [one for one in text if one in marks or (unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\t")]


def printed(*words: str) -> str:
    """What a command writes to both streams, and what it ends with."""
    out, err = io.StringIO(), io.StringIO()
    with suppress(SystemExit, CommandError):
        call_command(*words, stdout=out, stderr=err)
    return out.getvalue() + err.getvalue()


@pytest.fixture
def stored(db: None) -> Connection:
    """Everything that commands list, under such names."""
    now = timezone.now()
    owner = User.objects.create(username="olga", first_name=NASTY)
    names = {"name": WITH_LINE[:64], "organization": NASTY, "identity_name": NASTY, "is_default": True}
    connection = ConnectionFactory.create(**names, owner=owner, all_projects=False, expires_on=timezone.localdate())
    ChosenProject.objects.create(connection=connection, project_id="1", name=NASTY, not_visible_since=now)
    project = Project.objects.create(connection=connection, azure_id="1", name=WITH_LINE, seen_at=now)
    Repository.objects.create(project=project, azure_id="1", name=WITH_LINE, added_at=now)
    Pipeline.objects.create(project=project, azure_id=1, name=WITH_LINE, build_number=NASTY, seen_at=now)
    ReleasePipeline.objects.create(project=project, azure_id=1, name=WITH_LINE, newest_name=NASTY, seen_at=now)
    record("connection.tested", connection, by=Actor(NASTY), at=now, detail={"changes": [NASTY], "host": NASTY})
    return connection


LISTS = [
    ("connections", "list"),
    ("connections", "audit", "--stored"),
    ("connections", "rotate"),
    ("connections", "remind", "--dry-run"),
    ("connections", "events"),
    ("repositories", "list"),
    ("builds", "list"),
    ("releases", "list"),
    ("rotate_encryption_keys",),
    ("history", "verify", "--dry-run"),
    ("history", "accept"),
]


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_no_list_passes_control_characters_on_or_lets_a_name_make_a_line(
    stored: Connection, words: tuple[str, ...]
) -> None:
    text = printed(*words)
    assert text
    assert control_characters(text) == []
    assert not any(line.startswith("healthy      2099-01-01   forged") for line in text.splitlines())


@pytest.mark.parametrize("words", LISTS[:8], ids=" ".join)
def test_json_stays_json(stored: Connection, words: tuple[str, ...]) -> None:
    text = printed(*words, "--json").rpartition("The list of")[0] or printed(*words, "--json")
    assert control_characters(text) == []
    lines = text.splitlines() if words in (("connections", "events"), ("repositories", "list")) else [text]
    assert all(json.loads(line) for line in lines)


def test_what_a_person_typed_is_not_repeated_with_them(
    stored: Connection, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = load_command_class("connections", "connections")
    monkeypatch.setattr("sys.argv", ["manage.py"])
    with pytest.raises(SystemExit):
        command.run_from_argv(["manage.py", "connections", "test", f"no {NASTY}"])
    err = capsys.readouterr().err
    assert "There is no connection named" in err
    assert control_characters(err) == []


def test_an_error_that_code_meets_holds_none_either(stored: Connection) -> None:
    with pytest.raises(CommandError) as wrong:
        call_command("connections", "test", f"no {NASTY}")
    assert control_characters(str(wrong.value)) == []
    assert wrong.value.returncode == 1


def test_every_command_of_ours_writes_through_the_one_writer() -> None:
    ours = {config.name for config in apps.get_app_configs() if Path(config.path).parent == settings.BASE_DIR}
    commands = {name: load_command_class(app, name) for name, app in get_commands().items() if app in ours}
    assert {"connections", "builds", "releases", "repositories", "history", "ready", "backup"} <= set(commands)
    others = {name for name, command in commands.items() if not isinstance(command, TerminalCommand)}
    # The database's own shell, which writes to the terminal by itself.
    assert others <= {"dbshell"}


def test_colours_of_djangos_own_stay() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    err = Terminal()
    command = TerminalCommand(stderr=err, force_color=True)
    command.stderr.write(NASTY)
    assert err.getvalue().startswith("\x1b[31;1ma\N{REPLACEMENT CHARACTER}[31m")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_log_line_passes_none_on_and_stays_one_line(as_json: bool) -> None:
    made: dict[str, Any] = {"name": "x", "levelno": 20, "levelname": "INFO", "msg": "Name: %s", "args": (WITH_LINE,)}
    line = Formatter(as_json=as_json).format(logging.makeLogRecord(made))
    assert control_characters(line) == []
    assert len(line.splitlines()) == 1
    assert not as_json or "Name: a" in json.loads(line)["event"]


def test_the_console_of_a_start_passes_none_on(capsys: pytest.CaptureFixture[str]) -> None:
    Console().line("worker", NASTY)
    out = capsys.readouterr().out
    assert out.startswith("worker   | a")
    assert control_characters(out) == []


def test_what_people_write_is_kept() -> None:
    kept = "Zoë, 日本語, emoji 👩\u200d💻\tand\nlines"
    assert without_control_characters(kept) == kept
    assert without_control_characters("a\r\nb") == "a\nb"
    assert one_line("a\r\nb\rc\nd") == "a b c d"
