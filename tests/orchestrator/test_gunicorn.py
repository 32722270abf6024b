"""The web loads while the product is prepared, and serves afterwards."""

import gc
import os
from threading import Thread

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import SystemCheckError
from pytest_django import Settings

from orchestrator import gunicorn
from orchestrator.supervisor.process_specs import PREPARATION_GATE


def test_the_web_waits_until_the_other_end_of_the_gate_is_closed_and_never_again() -> None:
    gate, other_end = os.pipe()
    waiting = Thread(target=gunicorn._load_while_preparing, args=(gate,))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    os.close(other_end)
    waiting.join(20)
    assert not waiting.is_alive()
    gunicorn._load_while_preparing(gate)
    os.close(gate)


def test_it_leaves_it_to_the_preparation_to_say_what_is_wrong_with_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise ImproperlyConfigured

    gate, other_end = os.pipe()
    os.close(other_end)
    monkeypatch.setattr(gunicorn, "import_module", refuse)
    gunicorn._load_while_preparing(gate)
    os.close(gate)


def test_once_loaded_garbage_is_collected_but_not_among_what_is_loaded() -> None:
    gc.disable()
    try:
        gunicorn.when_ready(None)
        assert gc.isenabled()
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
        gc.enable()


def test_the_web_does_not_start_with_a_weak_key(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["c2VzYW1l"]
    with pytest.raises(SystemCheckError, match="Key 1 of FIELD_ENCRYPTION_KEYS is not base64"):
        gunicorn.on_starting(None)


def test_what_was_prepared_is_not_checked_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["c2VzYW1l"]
    monkeypatch.setenv(PREPARATION_GATE, "0")
    gunicorn.on_starting(None)
