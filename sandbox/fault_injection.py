"""Fault injection: rules for which requests are answered wrongly, late or not at all.

`sandbox.fault_answers` has the answers of each kind.
"""

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

KINDS = {
    "latency": "the answer is delayed by `seconds`; the request itself is carried out immediately",
    "status": "`status` (500) with `body` and `headers`",
    "throttle": "429: wait `retry_after` seconds",
    "throttled_refusal": "a refusal that is really throttling: 401 (or `status` 203, 302, 403) with limit headers",
    "near_limit": "the usual answer, with headers that ask to wait `retry_after` seconds",
    "wrong_token": "401 as the anonymous user",
    "scope_missing": "401 without a reason",
    "not_materialized": "401 (or `status` 403) with `AadUserStateException`",
    "no_such_host": "404 with `HostDoesNotExistException`",
    "maintenance": "503 and `Retry-After`",
    "sign_in_page": "Azure DevOps' own sign-in page as 203 (or `status` 200)",
    "block_page": "200 and a page of a web filter",
    "gateway": "403 of a firewall or gateway",
    "redirect": "302 (or `status` 301, 307, 308) to another address",
    "permission_denied": "403 as the area words it: the person lacks a permission, not the token a scope",
    "releases_off": "404 and a page for every call about classic releases",
    "list_error": "400 (or `status`) with an error in the shape of a list",
    "endless_list": "the usual list, with a continuation token that never ends",
    "repeated_items": "the usual list, with the first item of each page also on the page before",
    "omit_fields": "the usual answer without `fields`",
    "entra_error": "Microsoft Entra refuses with `code`, as 400 or 401 (or `status`)",
    "pat_error": "200 with `code` as the `patTokenError` of a call about personal access tokens",
    "close": "the connection is closed without an answer",
    "reset": "the connection is reset without an answer",
    "cut": "the connection is closed in the middle of the answer",
    "drip": "one byte every `seconds`, forever",
    "oversized": "64 MiB",
    "bomb": "64 MiB, compressed to almost nothing",
    "not_json": "a body that is declared as JSON but is not",
    "bom": "the usual answer, preceded by a byte order mark",
}
# What Microsoft Entra can do wrong; the others are about Azure DevOps, which does all but the first.
ENTRA_KINDS = (
    *("entra_error", "latency", "status", "throttle", "maintenance", "block_page", "not_json", "bom"),
    *("close", "reset", "cut", "drip", "oversized", "bomb"),
)
AZURE_DEVOPS_KINDS = tuple(kind for kind in KINDS if kind != "entra_error")
# The variants of a kind. The first one is the default.
VARIANTS: dict[str, tuple[str, ...]] = {
    "throttled_refusal": ("retry_after", "remaining", "delay", "all"),
    "maintenance": ("page", "json"),
    "gateway": ("text", "empty", "json", "page"),
    "redirect": ("block_page", "renamed", "sign_in", "sign_in_host"),
    "endless_list": ("new", "same", "empty"),
}
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
# The paths that a kind applies to if its rule names none.
_PATHS = {"releases_off": r"/_apis/release(/|\Z)", "pat_error": r"/_apis/tokens/pats\Z"}
_CODES = {"entra_error": int, "pat_error": str}
_BREAK = ("close", "reset", "cut", "drip", "oversized", "bomb")
# These change the usual answer, so it is needed first.
_SPOIL = (
    *("near_limit", "endless_list", "repeated_items", "omit_fields"),
    *("cut", "drip", "oversized", "bomb", "not_json", "bom"),
)


@dataclass
class Fault:
    """One rule. Empty conditions match everything. It applies `times` times (None: forever), after `after` matches.

    `organization` and `method` are compared case-insensitively, `path` and `query` are regular expressions that are
    searched in the decoded path and in `name=value&name=value`, `token` is the name of a sample token. `variant` is
    one of `VARIANTS`. `status`, `body` and `headers` replace those of the kind's answer; None keeps them.
    `retry_after` is in seconds, `fields` are names of properties, `code` is a number of Microsoft Entra or the word of
    a `pat_error`. `seconds` is a delay, or the pause between two bytes of a drip. With `carried_out` the request is
    carried out, as if only the answer were lost.
    Raises `ValueError` for an unknown kind or variant, an invalid expression, status, header or code, and `TypeError`
    if `fields` is not a list.
    """

    kind: str
    organization: str = ""
    method: str = ""
    path: str = ""
    query: str = ""
    token: str = ""
    variant: str = ""
    times: int | None = None
    after: int = 0
    seconds: float = 0.0
    status: int | None = None
    retry_after: float = 30.0
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    fields: tuple[str, ...] = ("state",)
    carried_out: bool = False
    code: int | str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault; choose one of {', '.join(KINDS)}")
        variants = VARIANTS.get(self.kind, ("",))
        self.variant = self.variant or variants[0]
        self.path = self.path or _PATHS.get(self.kind, "")
        if self.variant not in variants:
            choices = ", ".join(filter(None, variants))
            message = f"unknown variant of {self.kind}; choose one of {choices}"
            raise ValueError(message if choices else f"{self.kind} has no variants")
        for name, expression in (("path", self.path), ("query", self.query)):
            try:
                re.compile(expression)
            except re.error as error:
                raise ValueError(f"{name} is not a valid regular expression: {error}") from error
        self._check_answer()

    def _check_answer(self) -> None:
        if self.status is not None and not (isinstance(self.status, int) and 200 <= self.status <= 599):
            raise ValueError("status must be a number from 200 to 599")
        for name, value in self.headers.items():
            if not _HEADER_NAME.fullmatch(name) or not isinstance(value, str) or not value.isprintable():
                raise ValueError(f"the header {name!r} is not valid")
        if type(self.code) is not _CODES.get(self.kind, str) or bool(self.code) != (self.kind in _CODES):
            raise ValueError("entra_error needs a number as its code, pat_error a word, and no other kind has one")
        if isinstance(self.fields, str):
            raise TypeError("fields must be a list of names")
        self.fields = tuple(self.fields)

    @property
    def needs_answer(self) -> bool:
        """Whether the usual answer is needed first."""
        return self.carried_out or self.kind in _SPOIL

    @property
    def breaks_connection(self) -> bool:
        """Whether the connection breaks before a whole answer was sent."""
        return self.kind in _BREAK

    def matches(self, organization: str, method: str, path: str, query: str, token: str) -> bool:
        """Whether the rule applies to this request."""
        return (
            self.organization.lower() in ("", organization.lower())
            and self.method.upper() in ("", method.upper())
            and self.token in ("", token)
            and re.search(self.path, path, re.IGNORECASE) is not None
            and re.search(self.query, query, re.IGNORECASE) is not None
        )


def delay_and_fault(rules: list[Fault]) -> tuple[float, Fault | None]:
    """Of the rules that apply to a request, the delay in seconds, and the one that is no delay, if any."""
    delay = sum(rule.seconds for rule in rules if rule.kind == "latency")
    return delay, next((rule for rule in rules if rule.kind != "latency"), None)


class Behaviour:
    """The current rules, each of one of the `kinds`. They can be changed while the sandbox runs."""

    def __init__(self, kinds: tuple[str, ...] = AZURE_DEVOPS_KINDS) -> None:
        self._kinds = kinds
        self._lock = threading.Lock()
        self._rules: list[Fault] = []

    def add(self, kind: str, **rule: Any) -> Fault:
        """Add a rule with the fields of `Fault`. The newest rule that matches applies."""
        fault = self._made(kind=kind, **rule)
        with self._lock:
            self._rules.insert(0, fault)
        return fault

    def add_sequence(self, rules: Iterable[dict[str, Any]]) -> list[Fault]:
        """Add rules that apply one after another, each for its `times` (by default once).

        Raises `ValueError` for a rule with an `after` of its own, or without an end unless it is the last one.
        """
        faults: list[Fault] = []
        begun = 0
        for rule in rules:
            if "after" in rule or (faults and faults[-1].times is None):
                raise ValueError("in a sequence, each rule starts when the previous one has ended")
            faults.append(self._made(**{"times": 1, **rule, "after": begun}))
            begun += faults[-1].times or 0
        with self._lock:
            self._rules[:0] = faults
        return faults

    def _made(self, **rule: Any) -> Fault:
        fault = Fault(**rule)
        if fault.kind not in self._kinds:
            raise ValueError(f"{fault.kind} does not occur here; choose one of {', '.join(self._kinds)}")
        return fault

    def clear(self) -> None:
        """Remove all rules."""
        with self._lock:
            self._rules.clear()

    def rules(self) -> list[Fault]:
        """The current rules, newest first."""
        with self._lock:
            return list(self._rules)

    def take(self, organization: str, method: str, path: str, query: str, token: str) -> list[Fault]:
        """The rules that apply to one request, each counted as used: at most one besides any number of delays."""
        if not self._rules:
            return []
        taken: list[Fault] = []
        with self._lock:
            for rule in list(self._rules):
                if not rule.matches(organization, method, path, query, token) or self._waits(rule):
                    continue
                if rule.kind != "latency" and any(fault.kind != "latency" for fault in taken):
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
