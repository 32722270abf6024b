"""Trouble on demand: slow, throttled, broken, dripping, or showing a sign-in page."""

import re
import threading
from dataclasses import dataclass, field
from typing import Any

KINDS = ("latency", "status", "throttle", "sign_in_page", "reset", "drip", "close", "oversized", "not_json", "bom")


@dataclass
class Fault:
    """One rule. Empty means any; `times` None means for ever, beginning after `after` fitting requests.

    `seconds` is a delay, or the pause of a drip.
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

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault; there are {', '.join(KINDS)}")

    def fits(self, organization: str, method: str, path: str, token: str) -> bool:
        """Whether the rule is about this request."""
        return (
            self.organization.lower() in ("", organization.lower())
            and self.method in ("", method)
            and self.token in ("", token)
            and (not self.path or re.search(self.path, path, re.IGNORECASE) is not None)
        )


class Behaviour:
    """The rules in force. Safe to change while the sandbox runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []

    def add(self, kind: str, **rule: Any) -> Fault:
        """Add a rule; the newest that fits goes first."""
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
