"""What an organization holds: people and projects, as far as the product stores or shows them."""

from dataclasses import dataclass
from typing import Literal

# Where projects live: an organization at the service, a collection on a server of one's own.
Place = Literal["organization", "collection"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A person, or a group of people. `id` is the provider's own."""

    id: str
    display_name: str
    account: str | None = None
    descriptor: str | None = None
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class ProjectRef:
    """A project by its id, and its name where it is known."""

    id: str
    name: str = ""


def with_place(text: str, place: Place) -> str:
    """The text with {place} and {a_place} filled in."""
    article = "an" if place == "organization" else "a"
    return text.replace("{place}", place).replace("{a_place}", f"{article} {place}")
