"""Calibration: compare the answers of a real organization with the expected ones.

A person describes the token and its scopes. Then the probes and a few reads are sent, and each answer is compared with
`expected_answers`. The result contains no values from answers: see `expected_answers.observation`.
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
# The states of a token that people can choose, and the matching situations of `expected_answers`.
TOKEN_STATES = {
    VALID: "",
    "expired": "expired_token",
    "revoked": "revoked_token",
    "another-organization": "token_of_another_organization",
    ALL_ORGANIZATIONS: "token_for_all_organizations",
}
# Tokens of a server are valid for all its collections.
_ONLY_AT_SERVICES = ("another-organization", ALL_ORGANIZATIONS)
# A reason for skipping a request, besides the codes of `verification` and of the client.
TOLD_NOT_VALID = "told_not_valid"


# Labels of the points in which an answer may differ.
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
    """The scope levels by area, lowest first: `{"code": ("none", "read", "write", "manage"), …}`."""
    levels_of: dict[str, tuple[str, ...]] = {}
    for capability in CAPABILITIES:
        levels_of[capability.area] = (*levels_of.get(capability.area, ("none",)), capability.key.partition("_")[2])
    return levels_of


def highest_levels(granted: Collection[str]) -> dict[str, str]:
    """The highest level of each area among the keys of capabilities."""
    return {
        area: next((level for level in reversed(known) if f"{area}_{level}" in granted), known[0])
        for area, known in levels().items()
    }


def token_states(place: Place) -> tuple[str, ...]:
    """The possible token states for an organization or a collection."""
    return tuple(state for state in TOKEN_STATES if place == "organization" or state not in _ONLY_AT_SERVICES)


@dataclass(frozen=True, slots=True)
class Told:
    """A person's description of the token: a key of `TOKEN_STATES`, and one of `levels()` for each area.

    Raises `ValueError` for other values.
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
        """The keys of the capabilities that the token should have."""
        keys: set[str] = set()
        for area, known in levels().items():
            keys.update(f"{area}_{level}" for level in known[1 : known.index(getattr(self, area)) + 1])
        return frozenset(keys)

    def situations(self, request: ExpectedRequest) -> tuple[str, ...]:
        """The situations that may apply to the request, the most likely first."""
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
    """The result of comparing one answer."""

    AS_EXPECTED = "as_expected"
    DIFFERENT = "different"
    NO_ANSWER = "no_answer"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of one request.

    `situation` is the assumed one. `expected` is the expected answer that matches best; `differs_in` names the
    differing fields of `ExpectedAnswer`. `reading` is how the product interprets the answer. `reason` is a code for
    why there is no answer.
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
        """Labels of the points in which the answer differs."""
        return ", ".join(POINT_WORDS[name] for name in self.differs_in)

    @property
    def situation_in_words(self) -> str:
        """Description of the assumed situation."""
        return expected_answers().situations[self.situation]


@dataclass(frozen=True, slots=True)
class Calibration:
    """All comparisons, in the order of the data file, and the conditions."""

    told: Told
    place: Place
    is_services: bool
    write_probes: bool
    day: date
    comparisons: tuple[Comparison, ...]

    def with_result(self, result: Result) -> tuple[Comparison, ...]:
        """The comparisons with this result."""
        return tuple(comparison for comparison in self.comparisons if comparison.result is result)

    @property
    def counts(self) -> dict[str, int]:
        """The number of comparisons by result."""
        return {str(result): len(self.with_result(result)) for result in Result}

    def file(self) -> str:
        """The file to save and send: JSON without values from answers."""
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
