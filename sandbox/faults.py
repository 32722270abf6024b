"""Trouble on demand: slow, throttled, broken, dripping, or showing a sign-in page."""

import re
import threading
from dataclasses import dataclass, field
from typing import Any

KINDS = {
    "latency": "the answer comes `seconds` late; what was asked for is done at once",
    "status": "`status` with `body` and `headers`",
    "throttle": "429, wait `retry_after` seconds",
    "near_limit": "the usual answer, which also asks to wait `retry_after` seconds",
    "sign_in_page": "203 and a page for people",
    "close": "the connection ends without an answer",
    "reset": "the same, but hard",
    "cut": "the connection ends in the middle of the answer",
    "drip": "a byte every `seconds`, for ever",
    "oversized": "64 MiB",
    "bomb": "64 MiB, compressed to almost nothing",
    "not_json": "what calls itself JSON and is none",
    "bom": "the usual answer behind a byte order mark",
}
_BREAK = ("close", "reset", "cut", "drip", "oversized", "bomb")
# These spoil the usual answer, so there has to be one.
_SPOIL = ("near_limit", "cut", "drip", "oversized", "bomb", "not_json", "bom")


@dataclass
class Fault:
    """One rule. Empty means any; `times` None means for ever, beginning after `after` fitting requests.

    `organization` and `method` are compared without regard to case, `path` is a regular expression searched in the
    decoded path, `token` is a sample name. `seconds` is a delay, or the pause between two bytes of a drip. With
    `carried_out` what was asked for is done all the same, as when only the answer is lost.
    Raises `ValueError` for a kind or an expression that does not exist.
    """

    kind: str
    organization: str = ""
    method: str = ""
    path: str = ""
    token: str = ""
    times: int | None = None
    after: int = 0
    seconds: float = 0.0
    status: int = 500
    retry_after: float = 30.0
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    carried_out: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault; there are {', '.join(KINDS)}")
        try:
            re.compile(self.path)
        except re.error as wrong:
            raise ValueError(f"path is no regular expression: {wrong}") from wrong

    @property
    def needs_answer(self) -> bool:
        """Whether the service has to decide first."""
        return self.carried_out or self.kind in _SPOIL

    @property
    def breaks_connection(self) -> bool:
        """Whether no whole answer goes out."""
        return self.kind in _BREAK

    def fits(self, organization: str, method: str, path: str, token: str) -> bool:
        """Whether the rule is about this request."""
        return (
            self.organization.lower() in ("", organization.lower())
            and self.method.upper() in ("", method.upper())
            and self.token in ("", token)
            and re.search(self.path, path, re.IGNORECASE) is not None
        )


class Behaviour:
    """The rules in force. Safe to change while the sandbox runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []

    def add(self, kind: str, **rule: Any) -> Fault:
        """Add a rule with the fields of `Fault`; the newest that fits goes first."""
        fault = Fault(kind, **rule)
        with self._lock:
            self._rules.insert(0, fault)
        return fault

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._rules.clear()

    def rules(self) -> list[Fault]:
        """The rules in force, newest first."""
        with self._lock:
            return list(self._rules)

    def take(self, organization: str, method: str, path: str, token: str) -> list[Fault]:
        """The rules for one request, each counted as used: at most one beside any number of delays."""
        if not self._rules:
            return []
        taken: list[Fault] = []
        with self._lock:
            for rule in list(self._rules):
                if not rule.fits(organization, method, path, token) or self._waits(rule):
                    continue
                if rule.kind != "latency" and any(one.kind != "latency" for one in taken):
                    continue
                taken.append(rule)
                self._use(rule)
        return taken

    def _waits(self, rule: Fault) -> bool:
        rule.after -= 1
        return rule.after >= 0

    def _use(self, rule: Fault) -> None:
        if rule.times is not None:
            rule.times -= 1
            if rule.times <= 0:
                self._rules.remove(rule)
