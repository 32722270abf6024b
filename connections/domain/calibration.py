"""Calibration: ask a real organization, and compare its answers with what is expected of it.

A person says what the token is and may do. Then the probes and a few reads are made, and each answer is compared with
`expected_answers`. What comes out holds no value of any answer: see `expected_answers.observation`.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from connections.providers.azure_devops.capabilities import CAPABILITIES
from connections.providers.organization import Place
from expected_answers import ExpectedAnswer, ExpectedRequest, expected_answers
from expected_answers.observation import Observation

FORMAT = 1
VALID = "valid"
ALL_ORGANIZATIONS = "all-organizations"
# What a person may say of the token, and the situation of `expected_answers` that it means.
TOKEN_STATES = {
    VALID: "",
    "expired": "expired_token",
    "revoked": "revoked_token",
    "another-organization": "token_of_another_organization",
    ALL_ORGANIZATIONS: "token_for_all_organizations",
}
# A token of a server of one's own is for all its collections.
_ONLY_AT_SERVICES = ("another-organization", ALL_ORGANIZATIONS)
# Why something was not asked, beside the codes of `verification` and of the client.
TOLD_NOT_VALID = "told_not_valid"


# The points in which an answer may differ, in words.
POINT_WORDS = {
    "status": "status",
    "content_type": "content type",
    "headers": "headers",
    "body": "kind of body",
    "keys": "keys of the body",
    "type_key": "type of error",
    "words": "words",
    "signed_as": "who is named",
    "reading": "what it is taken for",
}


def levels() -> dict[str, tuple[str, ...]]:
    """What a token may be able to do, by area, lowest first: `{"code": ("none", "read", "write", "manage"), …}`."""
    found: dict[str, tuple[str, ...]] = {}
    for capability in CAPABILITIES:
        found[capability.area] = (*found.get(capability.area, ("none",)), capability.key.partition("_")[2])
    return found


def highest_levels(granted: Collection[str]) -> dict[str, str]:
    """The highest level of each area among the keys of capabilities."""
    return {
        area: next((level for level in reversed(known) if f"{area}_{level}" in granted), known[0])
        for area, known in levels().items()
    }


def token_states(place: Place) -> tuple[str, ...]:
    """What a token may be where projects live in such a place."""
    return tuple(state for state in TOKEN_STATES if place == "organization" or state not in _ONLY_AT_SERVICES)


@dataclass(frozen=True, slots=True)
class Told:
    """What a person says of the token: a key of `TOKEN_STATES`, and for each area one of `levels()`.

    Raises `ValueError` for anything else.
    """

    token_state: str = VALID
    code: str = "none"
    build: str = "none"
    release: str = "none"

    def __post_init__(self) -> None:
        if self.token_state not in TOKEN_STATES:
            raise ValueError(f"no state of a token: {self.token_state}")
        for area, known in levels().items():
            if getattr(self, area) not in known:
                raise ValueError(f"no level of {area}: {getattr(self, area)}")

    @property
    def capabilities(self) -> frozenset[str]:
        """The keys of what the token should be able to do."""
        found: set[str] = set()
        for area, known in levels().items():
            found.update(f"{area}_{level}" for level in known[1 : known.index(getattr(self, area)) + 1])
        return frozenset(found)

    def situations(self, request: ExpectedRequest) -> tuple[str, ...]:
        """In which situations the request may be; the first is the usual one."""
        if request.carries != "stored":
            return ("no_such_organization",) if request.key == "no_such_organization" else ("wrong_token",)
        if self.token_state == VALID:
            return self._of_a_valid_token(request)
        # Until 1 December 2026 a token for all organizations is accepted like any other.
        accepted = ("no_scope_needed", "scope_granted") if self.token_state == ALL_ORGANIZATIONS else ()
        return (TOKEN_STATES[self.token_state], *accepted)

    def _of_a_valid_token(self, request: ExpectedRequest) -> tuple[str, ...]:
        if not request.capability:
            return ("no_scope_needed",)
        is_granted = self.capabilities if request.capability == "any" else {request.capability} & self.capabilities
        return ("scope_granted", "right_missing") if is_granted else ("scope_missing",)


class Result(StrEnum):
    """How one answer compares."""

    AS_EXPECTED = "as_expected"
    DIFFERENT = "different"
    NO_ANSWER = "no_answer"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One request of a calibration.

    `situation` is the one that was expected. `expected` is the answer that came, or the nearest to it; `differs_in`
    names the fields of `ExpectedAnswer`. `reading` is what the product made of it. `reason` is a code that says why
    there is no answer.
    """

    request: ExpectedRequest
    situation: str
    result: Result
    expected: ExpectedAnswer | None = None
    seen: Observation | None = None
    differs_in: tuple[str, ...] = ()
    reading: str = ""
    reason: str = ""

    @property
    def points(self) -> str:
        """In which points the answer differs, in words."""
        return ", ".join(POINT_WORDS[name] for name in self.differs_in)

    @property
    def situation_in_words(self) -> str:
        """The situation that was expected, in words."""
        return expected_answers().situations[self.situation]


@dataclass(frozen=True, slots=True)
class Calibration:
    """All comparisons, in the order of the data file, and under which conditions they were made."""

    told: Told
    place: Place
    is_services: bool
    write_probes: bool
    day: date
    comparisons: tuple[Comparison, ...]

    def with_result(self, result: Result) -> tuple[Comparison, ...]:
        """The comparisons that came out so."""
        return tuple(comparison for comparison in self.comparisons if comparison.result is result)

    @property
    def counts(self) -> dict[str, int]:
        """How many came out how."""
        return {str(result): len(self.with_result(result)) for result in Result}

    def file(self) -> str:
        """The file that is saved and sent: JSON without a value of any answer."""
        return json.dumps(self._as_json(), indent=2) + "\n"

    def _as_json(self) -> dict[str, Any]:
        told = {"state": self.told.token_state, **{area: getattr(self.told, area) for area in levels()}}
        return {
            "calibration": FORMAT,
            "expected_answers": expected_answers().version,
            "day": self.day.isoformat(),
            "azure_devops": "services" if self.is_services else "server" if self.place == "collection" else "sandbox",
            "token": told,
            "write_probes": self.write_probes,
            "counts": self.counts,
            "different": [_different(comparison) for comparison in self.with_result(Result.DIFFERENT)],
            "as_expected": [_as_expected(comparison) for comparison in self.with_result(Result.AS_EXPECTED)],
            "no_answer": [_unanswered(comparison) for comparison in self.with_result(Result.NO_ANSWER)],
            "not_asked": [_unanswered(comparison) for comparison in self.with_result(Result.NOT_ASKED)],
        }


def _different(comparison: Comparison) -> dict[str, Any]:
    expected, seen = comparison.expected, comparison.seen
    return {
        "request": comparison.request.key,
        "situation": comparison.situation,
        "differs_in": list(comparison.differs_in),
        "expected": _expected(expected) if expected else None,
        "seen": {**seen.as_json(), "reading": comparison.reading} if seen else None,
    }


def _expected(expected: ExpectedAnswer) -> dict[str, Any]:
    listed = {name: list(getattr(expected, name)) for name in ("headers", "absent", "keys", "type_keys", "words")}
    alone = {name: getattr(expected, name) for name in ("status", "content_type", "body", "signed_as", "reading")}
    return {"answer": expected.id, "mark": expected.mark, **alone, **listed}


def _as_expected(comparison: Comparison) -> dict[str, Any]:
    expected = comparison.expected
    return {
        "request": comparison.request.key,
        "situation": comparison.situation,
        "answer": expected.id if expected else None,
        "mark": expected.mark if expected else None,
    }


def _unanswered(comparison: Comparison) -> dict[str, Any]:
    return {
        "request": comparison.request.key,
        "situation": comparison.situation,
        "reason": comparison.reason,
    }
