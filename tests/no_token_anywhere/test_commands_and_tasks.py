"""Every command and task is exercised. One that is not covered here fails the test."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from connections.models import Connection, LeakedToken, Renewal
from orchestrator.celery import app
from sandbox.server import Sandbox
from tests.everything import Lived, commands, tasks
from tests.leaks import everywhere, hits

Token = Callable[[str], str]
# What starts processes that live on; tests/product starts it and looks at what it prints. The second becomes the
# database's own program, for a person at the terminal.
ELSEWHERE = {"up", "dbshell"}


def arguments_of_tasks(lived: Lived) -> dict[str, dict[str, Any]]:
    """Every task with what it is called with."""
    Renewal.objects.filter(pk=lived.renewal.pk).renew(now=datetime.now(UTC), lease="a lease")
    LeakedToken.objects.filter(pk=lived.leak.pk).renew(now=datetime.now(UTC), lease="a lease")
    of_connection = {"connection_id": lived.connection.pk, "lease": "a lease"}
    return {
        "api.tasks.remind_due": {},
        "api.tasks.remove_expired_rows": {},
        "connections.tasks.audit_due": {},
        "connections.tasks.continue_audits": {},
        "connections.tasks.prove_leaks_due": {},
        "connections.tasks.prove_leak_one": {"leak_id": lived.leak.pk, "lease": "a lease"},
        "connections.tasks.prove_renewals_due": {},
        "connections.tasks.prove_renewal_one": {"renewal_id": lived.renewal.pk, "lease": "a lease"},
        "connections.tasks.remind_due": {},
        "connections.tasks.remind_of_register": {},
        "connections.tasks.import_register": {},
        "connections.tasks.mail_history_anchor": {},
        "connections.tasks.send_due": {},
        "connections.tasks.deliver_due": {},
        "connections.tasks.remove_expired_rows": {},
        "delivery.tasks.refresh_due": {},
        "delivery.tasks.refresh_one": of_connection,
        "delivery.tasks.poll_due": {},
        "delivery.tasks.repair_clock_skew": {},
        "delivery.tasks.remove_expired_rows": {},
        "delivery.tasks.poll_some": {"lease": "a lease", "ids": [1]},
        "history.tasks.seal_waiting": {},
        "history.tasks.verify": {},
        "history.tasks.prune": {},
        "people.tasks.forget_ended_sessions": {},
        "throttling.tasks.forget_rested_counters": {},
    }


def test_no_task_gives_a_token_away(
    lived: Lived, sandbox: Sandbox, secrets: dict[str, str], log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = arguments_of_tasks(lived)
    assert arguments.keys() == tasks(), "Say in this test with what the new task is called."
    shown = []
    Connection.objects.update(next_check_at=datetime(2026, 1, 1, tzinfo=UTC))
    for name, given in arguments.items():
        app.tasks[name].apply_async(kwargs=given)
        done = app.tasks[name].apply(kwargs=given)
        shown.append(f"{done.result!r} {done.traceback} {done.kwargs}".encode())
        assert done.successful(), name
    places = everywhere(shown, log, sandbox, capfd)
    assert b"connections.tasks.audit_due" in places["broker"]
    assert hits(secrets, places) == set()


def lines_of_commands(lived: Lived, secrets: dict[str, str], tmp_path: Path) -> dict[str, tuple[list[str], str]]:
    """Every command and verb: the words after it, and what it reads from standard input."""
    name, pipeline = lived.connection.name, lived.pipeline.name
    owner = ["--owner", lived.connection.owner.username]
    line = json.dumps({"connection": name, "token": secrets["full-again"], "expires_on": "2027-02-20"})
    entra = json.dumps({"connection": name, "token": secrets["entra"]})
    return {
        "connections list": (["--json"], ""),
        "connections channels": (["--json"], ""),
        "connections add-channel": (["By command", "--kind", "slack"], f"https://hooks.slack.com/{secrets['full']}"),
        "connections test-channel": (["Alerts"], ""),
        "connections remove-channel": (["Alerts"], ""),
        "connections register": (["--json"], ""),
        "connections import-register": (owner, f"name,kind,notes\nKey,pat,{secrets['full']}\n"),
        "connections register-certificate": (owner, secrets["full"]),
        "connections leaks": (["--json"], ""),
        "connections declare-leak": (["--token"], secrets["full-again"]),
        "connections test": ([name], ""),
        "connections audit": ([name], ""),
        "connections calibrate": ([name, "--code", "manage", "--build", "none", "--release", "read"], ""),
        "connections add": (["By command", "acme", "--expires-on", "2027-02-20", *owner], secrets["full"]),
        "connections update-token": ([name, *owner], secrets["expired"]),
        "connections rotate": (["--read", *owner], f"{line}\nno JSON: {secrets['revoked']}\n{entra}\n"),
        "connections remind": ([], ""),
        "connections events": (["--json"], ""),
        "repositories list": (["--json"], ""),
        "repositories refresh": ([name], ""),
        "builds list": (["--json"], ""),
        "builds run": ([pipeline, "--branch", "main"], ""),
        "builds show": ([pipeline, str(lived.pipeline.build_id)], ""),
        **releases_commands(lived),
        "api_tokens list": (["--json"], ""),
        "api_tokens create": (["CI", *owner, "--permission", "connections.view_connection"], ""),
        "api_tokens revoke": ([str(lived.token.pk)], ""),
        "openapi": ([], ""),
        "history verify": ([], ""),
        "history seal": ([], ""),
        "history accept": (["--reason", "The worker stood still"], ""),
        "history prune": (["--older-than", "1"], ""),
        "create_administrator": (["somebody", "--link"], ""),
        "rotate_encryption_keys": ([], ""),
        "ready": ([], ""),
        # Of a database in memory there is none; tests/orchestrator/test_backup.py looks into a real one.
        "backup": ([str(tmp_path / "backup")], ""),
        "restore": ([str(tmp_path / "nothing")], ""),
    }


def releases_commands(lived: Lived) -> dict[str, tuple[list[str], str]]:
    pipeline = lived.repository.project.release_pipelines.order_by("azure_id")[0].name
    lines = {"list": ["--json"], "show": [pipeline], "create": [pipeline]}
    lines |= {verb: [pipeline, "Release-1", "Test"] for verb in ("deploy", "cancel", "approve", "reject")}
    return {f"releases {verb}": (words, "") for verb, words in lines.items()}


def test_no_command_gives_a_token_away(
    lived: Lived,
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    # Where nobody answers; `ready` says so.
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:9/0"
    lines = lines_of_commands(lived, secrets, tmp_path)
    assert lines.keys() == set(commands()) - ELSEWHERE, "Say in this test how the new command is called."
    shown = []
    for name, (words, typed) in lines.items():
        monkeypatch.setattr("sys.stdin", StringIO(typed))
        said = StringIO()
        try:
            call_command(*name.split(), *words, stdout=said, stderr=said)
        except (CommandError, SystemExit) as ended:
            shown.append(repr(ended).encode())
        shown.append(said.getvalue().encode())
    assert Connection.objects.filter(name="By command").exists()
    assert hits(secrets, everywhere(shown, log, sandbox, capfd)) == set()
