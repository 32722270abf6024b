"""Whatever stands where a field should be, reading gives a value or says that the answer is not one."""

import contextlib
import inspect
import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.providers.azure_devops import build, core, git, parsing, release_models, timeline
from connections.providers.azure_devops.errors import UnexpectedAnswer
from connections.providers.azure_devops.parsing import (
    flag,
    instant,
    mapping,
    objects,
    optional_number,
    optional_text,
    person,
    state,
    web_link,
)
from connections.providers.organization import Identity

READERS: tuple[Callable[[dict[str, Any]], object], ...] = (
    core.read_project,
    core.read_identity,
    git.read_repository,
    git.read_branch,
    git.read_commit,
    git.read_entry,
    build.read_definition,
    build.read_build,
    timeline.read_step,
    timeline.read_log,
    release_models.read_definition,
    release_models.read_release,
    release_models.read_environment,
    release_models.read_approval,
)
MAKINGS = ("name", "path", "commitId", "objectId", "buildNumber")
# Every word in quotes that the readers' modules hold: among them all the fields they look at.
SOURCES = "".join(inspect.getsource(module) for module in (core, git, build, timeline, release_models, parsing))
keys = st.sampled_from(sorted(set(re.findall(r'"([_A-Za-z]+)"', SOURCES))))
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
likely = st.sampled_from(["completed", "2026-01-01T00:00:00Z", "https://x", "javascript:x", "refs/heads/main"])
inner = plain | likely | st.dictionaries(keys, plain, max_size=3)
values = inner | st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4)
# Most have what makes a thing, so that the rest is read too.
words = st.sampled_from(["x", "refs/heads/main", ""])
makings = st.fixed_dictionaries({"id": st.integers() | words}, optional=dict.fromkeys(MAKINGS, words))
things = st.builds(lambda most, more: more | most, makings, st.dictionaries(keys, values, max_size=15))


@given(things)
def test_nothing_crashes_a_reader(item: dict[str, Any]) -> None:
    for read in READERS:
        with contextlib.suppress(UnexpectedAnswer):
            assert "javascript:" not in str(getattr(read(item), "web_url", ""))


class Colour(StrEnum):
    RED = "red"
    DARK_BLUE = "darkBlue"
    CANCELLING = "cancelling"
    CANCELED = "canceled"
    UNKNOWN = "unknown"


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("red", Colour.RED),
        ("Red", Colour.RED),
        ("DARKBLUE", Colour.DARK_BLUE),
        ("canceling", Colour.CANCELLING),
        ("Cancelled", Colour.CANCELED),
        ("green", Colour.UNKNOWN),
        ("", Colour.UNKNOWN),
        (None, Colour.UNKNOWN),
        (1, Colour.UNKNOWN),
        (["red"], Colour.UNKNOWN),
    ],
)
def test_a_state_is_known_in_any_case_and_spelling_or_unknown(value: object, meaning: Colour) -> None:
    assert state(value, Colour.UNKNOWN) is meaning


def test_a_path_of_keys_leads_to_a_text_or_to_nothing() -> None:
    source = {"a": {"b": {"c": "x"}}, "n": 1, "e": ""}
    assert optional_text(source, "a", "b", "c") == "x"
    for path in (("a",), ("a", "x"), ("n",), ("e",), ("n", "x"), ("a", "b", "c", "d")):
        assert optional_text(source, *path) is None


@pytest.mark.parametrize(
    ("value", "number"), [(7, 7), (0, 0), (-1, -1), (True, None), ("7", None), (7.0, None), (None, None)]
)
def test_only_a_whole_number_is_a_number(value: object, number: int | None) -> None:
    assert optional_number({"x": value}, "x") == number


@pytest.mark.parametrize("value", [None, False, "true", 1, [True]])
def test_only_a_yes_is_a_yes(value: object) -> None:
    assert not flag({"x": value}, "x")
    assert flag({"x": True}, "x")


def test_lists_and_objects_that_are_none_are_empty() -> None:
    odd = {"a": None, "b": "x", "c": {"d": 1}, "e": [1, {"f": 2}, None]}
    assert [objects(odd, key) for key in "abce"] == [[], [], [], [{"f": 2}]]
    assert [mapping(odd, key) for key in "abce"] == [{}, {}, {"d": 1}, {}]


@pytest.mark.parametrize("address", ["https://dev.azure.com/x", "HTTP://devops.example.com/x"])
def test_a_web_address_is_taken(address: str) -> None:
    assert web_link({"x": address}, "x") == address


@pytest.mark.parametrize("address", ["javascript:alert(1)", " https://x", "ftp://x", "//x", "/x", "data:x", "", None])
def test_any_other_address_is_not(address: object) -> None:
    assert web_link({"x": address}, "x") is None


def test_a_person_has_at_least_a_name() -> None:
    assert person({"x": {"id": "1"}}, "x") is None
    assert person({"x": None}, "x") is None
    assert person({"x": {"uniqueName": "DOMAIN\\maya"}}, "x") == Identity("", "DOMAIN\\maya", "DOMAIN\\maya")


def test_a_moment_is_read_or_absent() -> None:
    assert instant({"x": "2026-01-01T12:00:00+02:00"}, "x") == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert instant({"x": "0001-01-01T00:00:00"}, "x") is None
    assert instant({}, "x") is None
