"""Rows that may be removed while someone changes them: a forced `save` raises for one that is gone."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.utils import timezone

from connections.actions.audit import audit
from connections.actions.capability_states import store_findings
from connections.actions.refusals import ConnectionGone
from connections.actions.rotate import Replacement, credentials_for, extend, rotate
from connections.actions.verify_credential import verify_new
from connections.models import CapabilityState, ChosenProject, Connection
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.organization import ProjectRef
from history.models import Event
from history.record import Actor
from tests.connections.commands import Connected, Token

ROOT = Path(__file__).resolve().parents[1]
ANN = Actor("ann")
# Each saves a row that it made, or holds by `select_for_update`, in the same transaction.
HELD = {
    "connections/actions/audit_runs.py": {"_latest_round"},
    "connections/actions/connect.py": {"connect"},
    "connections/actions/coverage.py": {"choose_projects"},
    "connections/actions/declare_entry_leak.py": {"declare_entry_leaked"},
    "connections/actions/declare_leak.py": {"_begin", "_stop", "_notify", "_add_late"},
    "connections/actions/edit.py": {"_write"},
    # Its row was added in the same transaction.
    "connections/actions/manage_channels.py": {"add_channel"},
    "connections/actions/register_imports.py": {"begin", "start"},
    "connections/actions/rotate.py": {"_swap"},
    "people/actions/manage_people.py": {"_save", "assign_role"},
    "connections/actions/token_readings.py": {"forget_pick", "_write"},
}


def saves_of_columns() -> Iterator[tuple[str, str]]:
    """Module and function of each `save(update_fields=…)` and `save(force_update=True)` of the product."""
    for app in ("api", "connections", "core", "delivery", "history", "orchestrator", "people", "throttling"):
        for path in (ROOT / app).rglob("*.py"):
            if "migrations" in path.parts:
                continue
            for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(function, ast.FunctionDef) and _saves_columns(function):
                    yield str(path.relative_to(ROOT)), function.name


def _saves_columns(function: ast.FunctionDef) -> bool:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    saves = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "save"]
    return any(keyword.arg in {"update_fields", "force_update"} for call in saves for keyword in call.keywords)


def test_an_update_is_forced_only_of_rows_that_are_held() -> None:
    found: dict[str, set[str]] = {}
    for module, function in saves_of_columns():
        found.setdefault(module, set()).add(function)
    assert found == HELD


def test_an_audit_of_what_was_disconnected_meanwhile_is_a_refusal(
    connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connected()
    _disconnect_before(monkeypatch, "connections.actions.audit.check_stored", connection)
    with pytest.raises(ConnectionGone):
        audit(connection, by=ANN, now=timezone.now(), interactive=True)


def test_recording_a_longer_life_of_what_was_disconnected_meanwhile_is_a_refusal(
    connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connected()
    _disconnect_before(monkeypatch, "connections.actions.rotate.audit", connection)
    with pytest.raises(ConnectionGone):
        extend(connection, expires_on=None, by=ANN, now=timezone.now())


def _disconnect_before(monkeypatch: pytest.MonkeyPatch, name: str, connection: Connection) -> None:
    module, _, function = name.rpartition(".")
    original = getattr(__import__(module, fromlist=[function]), function)

    def disconnect_first(*given: object, **more: object) -> object:
        result = original(*given, **more)
        Connection.objects.filter(pk=connection.pk).delete()
        return result

    monkeypatch.setattr(name, disconnect_first)


def test_a_rotation_of_what_was_disconnected_meanwhile_is_a_refusal_and_no_event(
    connected: Connected, token_of: Token
) -> None:
    connection = connected()
    token = PersonalAccessToken(token_of("no-build"))
    tested = verify_new(credentials_for(connection, token), by=connection.owner, now=timezone.now())
    Connection.objects.all().delete()
    new = Replacement(token, None, "one", accept_limited=True)
    with pytest.raises(ConnectionGone):
        rotate(connection, new, person=connection.owner, by=ANN, now=timezone.now(), verify=lambda _credentials: tested)
    assert not Event.objects.filter(kind="connection.rotated").exists()


def test_a_project_that_is_not_chosen_any_more_does_not_stop_what_was_found(
    connected: Connected, token_of: Token
) -> None:
    connection = connected()
    credentials = credentials_for(connection, PersonalAccessToken(token_of("full")))
    report = verify_new(credentials, by=connection.owner, now=timezone.now()).report
    connection.all_projects = False
    connection.save()
    ChosenProject.objects.create(connection=connection, project_id="gone", name="Gone")
    stale = Connection.objects.prefetch_related("chosen_projects").get(pk=connection.pk)
    ChosenProject.objects.all().delete()
    store_findings(stale, replace(report, not_visible=(ProjectRef("gone", "Gone"),)))
    assert CapabilityState.objects.filter(connection=connection).exists()
