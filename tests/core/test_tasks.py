"""Every call that asks for a task fits its signature, and Celery is loaded by whoever rings first."""

import ast
import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from kombu.exceptions import OperationalError

from connections.tasks import audit_due, prove_leak_one
from core.tasks import BrokerUnavailable, enqueue
from orchestrator.celery import app

ROOT = Path(__file__).resolve().parents[2]
APPS = ("api", "connections", "delivery", "history", "people", "throttling")


# The functions themselves, which pass a task on.
PASS_ON = {"core/tasks.py", "connections/views/common.py"}


@dataclass(frozen=True)
class Enqueued:
    """A call in the product that asks for a task."""

    where: str
    task: str
    arguments: dict[str, object]

    def __str__(self) -> str:
        return f"{self.where} {self.task}"


def enqueued() -> Iterator[Enqueued]:
    """Every `enqueue(task, …)` and `task.delay(…)` of the product, with the names of its arguments."""
    for path in (file for folder in (*APPS, "orchestrator") for file in (ROOT / folder).rglob("*.py")):
        if str(path.relative_to(ROOT)) in PASS_ON:
            continue
        text = path.read_text()
        if "enqueue" not in text and ".delay" not in text:
            continue
        tree = ast.parse(text)
        imported = dict(_imported(tree))
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (name := _task_of(node)):
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                positional = node.args[_POSITION.get(ast.unparse(node.func), -1) + 1 :]
                assert not positional, f"{where}: tasks take named arguments only"
                if ast.unparse(node.func) in {"enqueue_or_warn", "enqueue_later"}:
                    yield Enqueued(where, imported.get(name, f"{module}.{name}"), {})
                    continue
                assert all(keyword.arg for keyword in node.keywords), f"{where}: name each argument"
                given: dict[str, object] = {str(keyword.arg): None for keyword in node.keywords}
                yield Enqueued(where, imported.get(name, f"{module}.{name}"), given)


# Which argument of these is the task.
_POSITION = {"enqueue": 0, "enqueue_later": 0, "enqueue_or_warn": 1}


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _task_of(call: ast.Call) -> str:
    function = ast.unparse(call.func)
    if function in _POSITION and call.args:
        return ast.unparse(call.args[_POSITION[function]])
    return function.removesuffix(".delay") if function.endswith(".delay") else ""


def tasks() -> dict[str, Any]:
    """The product's own tasks by name."""
    app.loader.import_default_modules()
    return {name: task for name, task in app.tasks.items() if name.split(".")[0] in APPS}


@pytest.mark.parametrize("call", list(enqueued()), ids=str)
def test_every_call_that_asks_for_a_task_fits_its_signature(call: Enqueued) -> None:
    inspect.signature(tasks()[call.task].run).bind(**call.arguments)


def test_no_way_around_the_checked_ones_asks_for_a_task() -> None:
    ways = {"apply_async", "send_task", "signature", "s", "si"}
    for path in (file for folder in APPS for file in (ROOT / folder).rglob("*.py")):
        calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        assert not [call for call in calls if isinstance(call, ast.Attribute) and call.attr in ways], path


def test_every_entry_of_the_schedule_fits_its_task() -> None:
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        inspect.signature(tasks()[entry["task"]].run).bind(*entry.get("args", ()), **entry.get("kwargs", {}))


def test_no_task_takes_arguments_that_it_does_not_name() -> None:
    swallowing = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    assert len(tasks()) > 10
    for name, task in tasks().items():
        kinds = {parameter.kind for parameter in inspect.signature(task.run).parameters.values()}
        assert not kinds & swallowing, name


def test_an_argument_that_a_task_does_not_take_is_refused_before_anything_is_sent() -> None:
    asked: Any = enqueue
    with patch.object(app, "send_task") as sent, pytest.raises(TypeError, match="actor_name"):
        asked(prove_leak_one, leak_id=1, lease="", actor_name="ann")
    assert not sent.called


def test_a_broker_that_is_away_is_told_in_our_own_words() -> None:
    with patch.object(app, "send_task", side_effect=OperationalError("away")), pytest.raises(BrokerUnavailable):
        enqueue(audit_due)


def _loaded(module: str, asked: set[str], **environment: str) -> str:
    """Which of these modules a new process has loaded after this one, as it prints them."""
    listed = f"import sys, {module}; print({asked} & set(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", listed],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return loaded.stdout.strip()


def test_make_run_serves_its_first_page_before_it_loads_what_that_page_does_not_need() -> None:
    asked = {"celery", "kombu", "ninja", "icalendar", "cryptography.x509", "sandbox", "connections.urls"}
    assert _loaded("orchestrator.wsgi", asked, PREPARATION_GATE="0") == "{'connections.urls'}"


def test_a_worker_loads_no_pages_before_it_writes_a_link() -> None:
    asked = {"connections.tasks", "connections.urls", "connections.views", "api.urls"}
    started = "orchestrator.celery; orchestrator.celery.app.loader.import_default_modules()"
    assert _loaded(started, asked) == "{'connections.tasks'}"
