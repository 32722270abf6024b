"""The parts of a message to a channel, rendered from the same templates as the text of a mail."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Self

from django.template.loader import render_to_string

_LAYOUT = "emails/parts.txt"
# Stands between its blocks. No name contains a control character.
_SEPARATOR = "\x1e"
_FIRST_WORDS_OF_URLS = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class MessageParts:
    """What a message says. Facts are pairs of label and value, links of label and URL."""

    headline: str
    facts: tuple[tuple[str, str], ...]
    body: str
    links: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """For a column of JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """What `as_json` wrote."""
        pairs = {name: tuple((label, value) for label, value in stored[name]) for name in ("facts", "links")}
        return cls(headline=stored["headline"], body=stored["body"], **pairs)

    @property
    def text(self) -> str:
        """All of it as text, as the outbox shows it."""
        facts = "\n".join(f"{label}: {value}" for label, value in self.facts)
        links = "\n".join(f"{label}:\n{url}" for label, url in self.links)
        return "\n\n".join(part for part in (self.headline, facts, self.body, links) if part) + "\n"


def render_parts(event: str, context: Mapping[str, Any]) -> MessageParts:
    """Render `templates/emails/<event>/body.txt` in parts."""
    text = render_to_string(f"emails/{event}/body.txt", {**context, "layout": _LAYOUT, "separator": _SEPARATOR})
    headline, facts, body, links = (part.strip() for part in text.split(_SEPARATOR, 3))
    return MessageParts(" ".join(headline.split()), _pairs_in_lines(facts), _paragraphs(body), _labelled_urls(links))


def _paragraphs(body: str) -> str:
    lines = [line.rstrip() for line in body.splitlines()]
    return "\n".join(line for number, line in enumerate(lines) if line or lines[number - 1])


def _pairs_in_lines(text: str) -> tuple[tuple[str, str], ...]:
    lines = (line.partition(":") for line in text.splitlines())
    return tuple((label.strip(), value.strip()) for label, _, value in lines if value.strip())


def _labelled_urls(text: str) -> tuple[tuple[str, str], ...]:
    """Each URL with the line before it as its label."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    pairs = pairwise(lines)
    return tuple((label.rstrip(":"), url) for label, url in pairs if url.startswith(_FIRST_WORDS_OF_URLS))
