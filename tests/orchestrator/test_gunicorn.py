"""The web loads while the product is prepared, and serves afterwards."""

import gc
import os
from threading import Thread

import pytest
from django.core.exceptions import ImproperlyConfigured

from orchestrator import gunicorn


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
