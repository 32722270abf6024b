"""Text from outside is cut before any pattern reads it, however long it came."""

import json
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from connections.providers.azure_devops import parsing, responses, versions
from connections.providers.azure_devops.classification import classify
from connections.providers.azure_devops.parsing import parse_datetime, web_link
from connections.providers.azure_devops.responses import Response, fit_to_show
from connections.providers.azure_devops.text import LONGEST_TEXT
from connections.providers.azure_devops.versions import Versions
from core import redaction
from delivery.builds import build_presenters
from delivery.releases import release_presenters

LONG = "a@" * 100_000
JSON = {"content-type": "application/json"}


class Recording:
    """A pattern that writes down how much it was given to read."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self.lengths: list[int] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def read(*given: Any, **more: Any) -> Any:
            self.lengths += [len(one) for one in given if isinstance(one, str)]
            return getattr(self._pattern, name)(*given, **more)

        return read


def refused(message: str = "", type_key: str = "SomeException", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(400, JSON | named, json.dumps({"message": message, "typeKey": type_key}).encode())


def learn(answer: Response) -> bool:
    return Versions().learn(answer, spoken="7.1", path=("_apis", "projects"))


@pytest.mark.parametrize(
    ("module", "name", "act"),
    [
        (responses, "_MAIL_ADDRESS", lambda: fit_to_show(LONG)),
        (responses, "_CONTROLS", lambda: fit_to_show(LONG)),
        (redaction, "_SECRETS", lambda: fit_to_show(LONG)),
        (responses, "_MAIL_ADDRESS", lambda: classify(refused(LONG))),
        (redaction, "_SECRETS", lambda: classify(refused(LONG))),
        (responses, "_TYPE_NAME", lambda: classify(refused(type_key=LONG))),
        (responses, "_ACTIVITY_ID", lambda: classify(refused(activityid=LONG))),
        (redaction, "_SECRETS", lambda: classify(Response(500, {"content-type": LONG}, b"x"))),
        (versions, "_NEWEST_OF_SERVER", lambda: learn(refused("out of range for this server" + LONG))),
        (
            versions,
            "_NEWEST_OF_SERVER",
            lambda: learn(refused(x_tfs_serviceerror="out of range for this server" + LONG)),
        ),
        (parsing, "_FRACTION", lambda: parse_datetime("2026-01-01T00:00:00." + "0" * 100_000)),
        (parsing, "_WEB_ADDRESS", lambda: web_link({"url": "https://" + LONG}, "url")),
        (build_presenters, "_ESCAPES", lambda: build_presenters.log_line(1, LONG)),
        (build_presenters, "_CONTROL", lambda: build_presenters.log_line(1, LONG)),
        (build_presenters, "_STAMP", lambda: build_presenters.log_line(1, LONG)),
        (build_presenters, "_MARK", lambda: build_presenters.log_line(1, LONG)),
        (build_presenters, "_PULL_REQUEST", lambda: build_presenters.short_branch("refs/pull/" + "1" * 100_000)),
        (release_presenters, "_BETWEEN_WORDS", lambda: release_presenters.operation_words(LONG)),
    ],
)
def test_no_pattern_reads_more_than_the_beginning(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, act: Callable[[], object]
) -> None:
    recording = Recording(getattr(module, name))
    monkeypatch.setattr(module, name, recording)
    act()
    assert recording.lengths
    assert max(recording.lengths) <= LONGEST_TEXT


@pytest.mark.parametrize(
    "answer",
    [
        refused(LONG),
        refused(x_tfs_serviceerror=LONG),
        Response(400, {"content-type": "text/plain"}, LONG.encode()),
    ],
)
def test_the_words_of_an_error_are_cut(answer: Response) -> None:
    assert 0 < len(answer.message) <= LONGEST_TEXT


def test_a_long_message_is_understood_by_its_beginning() -> None:
    told = refused("The requested REST API version of 7.1 is out of range for this server. supports is 6.0. " + LONG)
    versions_known = Versions()
    assert versions_known.learn(told, spoken="7.1", path=("x",))
    assert versions_known.spoken("7.1", ("x",)) == "6.0"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a@b", "…"),
        ("@b@c", "…"),
        ("x@", "x@"),
        ("@x", "@x"),
        ("'a@b@c',d", "'…',d"),
        ("mail <maya@example.com>; then", "mail <…>; then"),
        ("a\x1b[31mb\u202ec\x00d", "a [31mb c d"),
    ],
)
def test_addresses_and_controls_are_not_shown(text: str, shown: str) -> None:
    assert fit_to_show(text) == shown


def test_a_long_line_of_a_log_ends_with_how_much_is_left_out() -> None:
    line = build_presenters.log_line(1, "x" * (LONGEST_TEXT + 1234))
    assert (len(line.text), line.left_out) == (LONGEST_TEXT, 1234)
    assert build_presenters.log_line(1, "x" * LONGEST_TEXT).left_out == 0
