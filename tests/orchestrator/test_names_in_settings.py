"""Classes that settings name by text exist, so that a renamed one fails here and not when a worker starts."""

import re

import pytest
from django.conf import settings
from kombu.utils.imports import symbol_by_name

NAME = re.compile(r"(?:api|core|orchestrator|history|connections|delivery|people|throttling)(?:\.\w+)+[:.]\w+")


def named() -> list[str]:
    values = [str(getattr(settings, name)) for name in dir(settings) if name.startswith("CELERY_")]
    return [value for value in values if NAME.fullmatch(value)]


def test_settings_name_the_scheduler_and_the_consumer() -> None:
    assert len(named()) >= 2


@pytest.mark.parametrize("name", named())
def test_a_class_that_a_setting_of_celery_names_exists(name: str) -> None:
    assert isinstance(symbol_by_name(name), type)
