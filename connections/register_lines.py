"""Turn the texts of a line into an entry of the register, or into the reasons why they are none."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.contrib.auth.models import User

from connections import register_rules
from connections.input_rules import InvalidInput
from connections.models import RegisterEntry
from connections.register_files import NEEDED, RawLine
from core.redaction import holds_secret

_KINDS = {
    **{value: value for value in RegisterEntry.Kind.values},
    **{label.casefold(): value for value, label in RegisterEntry.Kind.choices},
    "personal_access_token": "pat",
    "token": "pat",
    "secret": "client_secret",
    "client secret": "client_secret",
    "cert": "certificate",
    "ssh": "ssh_key",
    "deploy key": "ssh_key",
}
_DOTTED = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]\d{2}:\d{2}.*")
_IN_WORDS = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%Y/%m/%d")
_NO_DATE = frozenset({"", "-", "none", "never", "unknown", "n/a", "not recorded"})


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with a line. `field` is the column, or empty."""

    number: int
    field: str
    message: str


class Owners:
    """The people who may own an entry, by username and by mail address."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[User]] = {}
        for user in User.objects.filter(is_active=True).only("username", "email", "first_name", "last_name"):
            for name in {user.username.casefold(), user.email.casefold()} - {""}:
                self._by_name.setdefault(name, []).append(user)

    def find(self, text: str) -> User:
        """The person. Raises `InvalidInput`."""
        found = self._by_name.get(text.strip().casefold(), [])
        if len(found) == 1:
            return found[0]
        why = "Several active people have" if found else "No active person has"
        raise InvalidInput("owner_unknown", f"{why} this username or mail address.", field="owner")


@dataclass(frozen=True, slots=True)
class LineReader:
    """How lines are read: who may own entries, and whether in 12/31/2026 the month is first."""

    owners: Owners
    is_month_first: bool

    def read(self, line: RawLine) -> tuple[dict[str, Any], list[LineError]]:
        """The values that a line has, as JSON, and what is wrong. With any error, the values are not complete.

        A column that the file does not have is not among them, nor an empty owner.
        """
        texts = {name: text for name, text in line.values.items() if name != "owner" or text.strip()}
        values: dict[str, Any] = {}
        errors: list[LineError] = []
        for field, rule in self._rules().items():
            if field not in texts and field not in NEEDED:
                continue
            try:
                values[field] = rule(texts.get(field, ""))
            except InvalidInput as error:
                errors.append(LineError(line.number, field, error.message))
        return values, errors

    def _rules(self) -> Mapping[str, Callable[[str], Any]]:
        rules, line = register_rules, register_rules.one_line
        return {
            "name": rules.entry_name,
            "kind": kind_of,
            "organization": lambda text: line(text, field="organization", longest=rules.ORGANIZATION_LENGTH),
            "outside_owner": lambda text: line(text, field="outside_owner", longest=rules.OUTSIDE_OWNER_LENGTH),
            "purpose": lambda text: line(text, field="purpose"),
            "used_by": lambda text: rules.consumers_text(rules.consumers(text)),
            "scopes": lambda text: line(text, field="scopes"),
            "expires_on": self._date,
            "extra_recipients": rules.recipients,
            "notes": lambda text: rules.plain_text(text, field="notes"),
            "owner": lambda text: self.owners.find(text).pk,
        }

    def _date(self, text: str) -> str | None:
        day = register_rules.expiry_date(date_of(text, is_month_first=self.is_month_first))
        return day.isoformat() if day else None


def secrets_in(line: RawLine) -> list[LineError]:
    """The columns of a line that hold a secret, as errors."""
    if not holds_secret("\n".join(line.values.values())):
        return []
    fields = [field for field, text in line.values.items() if holds_secret(text)]
    words = "This looks like a token, a password or a key. The register stores no secrets."
    return [LineError(line.number, field, words) for field in fields or [""]]


def kind_of(text: str) -> str:
    """The kind that a text names: its code or its label, in any case."""
    kind = _KINDS.get(text.strip().casefold())
    if kind is None:
        words = f"This is no kind. Use one of {', '.join(RegisterEntry.Kind.values)}."
        raise InvalidInput("kind_unknown", words if text.strip() else "Enter a kind.", field="kind")
    return kind


def date_of(text: str, *, is_month_first: bool) -> date | None:
    """A date as 2026-12-31, 31.12.2026, 12/31/2026 or 31/12/2026, or 31 Dec 2026; None for none."""
    text = text.strip()
    if text.casefold() in _NO_DATE:
        return None
    try:
        return _parsed(text, is_month_first=is_month_first)
    except ValueError:
        order = "month/day/year" if is_month_first else "day/month/year"
        words = f"This is no date. Use 2026-12-31, 31.12.2026, {order} or 31 Dec 2026."
        raise InvalidInput("date_invalid", words, field="expires_on") from None


def _parsed(text: str, *, is_month_first: bool) -> date:
    if dotted := _DOTTED.fullmatch(text):
        day, month, year = map(int, dotted.groups())
        return date(year, month, day)
    if slashed := _SLASHED.fullmatch(text):
        first, second, year = map(int, slashed.groups())
        return date(year, first, second) if is_month_first else date(year, second, first)
    if timed := _TIME.fullmatch(text):
        text = timed[1]
    if text[:1].isdigit() and text[4:5] == "-":
        return date.fromisoformat(text)
    return next(filter(None, (_in_words(text, form) for form in _IN_WORDS)), None) or date.fromisoformat(text)


def _in_words(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC).date()
    except ValueError:
        return None
