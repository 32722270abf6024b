"""What Azure DevOps is expected to answer: one versioned data file, `answers.toml`, and its parser.

The sandbox is tested against it, the client's reading of each answer is tested against it, and
`manage.py connections calibrate` compares the answers of a real organization with it. This package imports neither
the product nor the sandbox. `docs/calibration.md` explains the file.
"""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

FILE = Path(__file__).with_name("answers.toml")
# Where an expectation comes from, most certain first.
Mark = Literal["recorded", "documented", "reported", "inferred"]
MARKS: tuple[Mark, ...] = ("recorded", "documented", "reported", "inferred")
BODIES = ("empty", "object", "page", "text")
SIGNATURES = ("asker", "anonymous", "nobody")
# The reading of a successful answer. Any other is a verdict or a problem code.
ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class ExpectedRequest:
    """One request that changes nothing.

    `path` is relative to the organization; `{project}` is the id of a visible project, `{no_such_id}` a random id and
    `{no_such_number}` the largest number. `service` is "core" or "release". `capability` is the lowest capability that
    the token needs, "any" for any of them, and empty if no scope is needed. `is_probe` requests determine the verdict
    on their capability. `writes` marks a write probe: for an object that does not exist, with an empty body.
    `carries` says which token is sent: "stored", or "made_up" if the real one is never sent.
    """

    key: str
    method: str
    path: str
    title: str
    source: str
    service: str = "core"
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    api_version: str = "7.1"
    capability: str = ""
    is_probe: bool = False
    writes: bool = False
    carries: str = "stored"


@dataclass(frozen=True, slots=True)
class ExpectedAnswer:
    """The expected answer in one situation.

    `when` is a key of `ExpectedAnswers.situations`. Several answers to one request in one situation are alternatives.
    `place` is "organization" or "collection" if only one of them answers this way. `content_type` is empty if there is
    none. `headers` are present, `absent` are not; all in lower case. `keys` are paths of keys in the JSON body, such as
    `value[].id`. `type_keys` are alternatives; if there are none, the answer has no type of error. All `words` occur.
    `signed_as` says whom the answer names: the asker, the anonymous identity, or nobody. `reading` is how the product
    interprets it: "accepted", a verdict of a probe, or the code of a problem.
    """

    id: str
    requests: tuple[str, ...]
    when: str
    status: int
    body: str
    reading: str
    mark: Mark
    source: str
    place: str = ""
    content_type: str = ""
    headers: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    type_keys: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    signed_as: str = "nobody"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything that may be reported about an answer: names of headers, media types, JSON keys, words."""

    headers: tuple[str, ...]
    content_types: tuple[str, ...]
    keys: tuple[str, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExpectedAnswers:
    """The whole file."""

    version: int
    vocabulary: Vocabulary
    situations: dict[str, str]
    requests: dict[str, ExpectedRequest]
    answers: tuple[ExpectedAnswer, ...]

    def to(self, request: str, *, when: Collection[str], place: str) -> tuple[ExpectedAnswer, ...]:
        """The alternatives for a request in any of these situations, the most common one first."""
        return tuple(
            answer
            for answer in self.answers
            if request in answer.requests and answer.when in when and answer.place in ("", place)
        )

    @property
    def type_keys(self) -> frozenset[str]:
        """Every type of error that is expected anywhere."""
        return frozenset(type_key for answer in self.answers for type_key in answer.type_keys)


@cache
def expected_answers() -> ExpectedAnswers:
    """The file that is part of the product. Raises `ValueError` if it contradicts itself."""
    return parse(FILE.read_text(encoding="utf-8"))


def parse(text: str) -> ExpectedAnswers:
    """Parse the text of such a file. Raises `ValueError` if it is invalid."""
    read = tomllib.loads(text)
    vocabulary = Vocabulary(**{name: tuple(listed) for name, listed in read["vocabulary"].items()})
    requests = {key: ExpectedRequest(key=key, **fields) for key, fields in read["requests"].items()}
    answers = tuple(ExpectedAnswer(**_with_tuples(fields)) for fields in read["answers"])
    expected = ExpectedAnswers(int(read["version"]), vocabulary, dict(read["situations"]), requests, answers)
    wrong = [complaint for answer in answers for complaint in _complaints(answer, expected)]
    ids = [answer.id for answer in answers]
    wrong += [f"{repeated} is there twice" for repeated in sorted({id_ for id_ in ids if ids.count(id_) > 1})]
    if wrong:
        raise ValueError("; ".join(wrong))
    return expected


def _with_tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _complaints(answer: ExpectedAnswer, expected: ExpectedAnswers) -> list[str]:
    """What is wrong with an answer."""
    vocabulary = expected.vocabulary
    keys = [part.removesuffix("[]") for path in answer.keys for part in path.split(".")]
    known = (
        ("request", answer.requests, expected.requests),
        ("situation", [answer.when], expected.situations),
        ("header", (*answer.headers, *answer.absent), vocabulary.headers),
        ("media type", [answer.content_type or "application/json"], vocabulary.content_types),
        ("key", keys, vocabulary.keys),
        ("word", answer.words, vocabulary.words),
        ("mark", [answer.mark], MARKS),
        ("kind of body", [answer.body], BODIES),
        ("signature", [answer.signed_as], SIGNATURES),
        ("place", [answer.place or "organization"], ("organization", "collection")),
    )
    return [
        f"{answer.id}: {value} is no known {kind}"
        for kind, values, allowed in known
        for value in values
        if value not in allowed
    ]
