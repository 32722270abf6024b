"""People and projects of an organization, as far as the product stores or shows them."""

from dataclasses import dataclass
from typing import Literal

# Where projects live: in an organization of the service, or in a collection of a server.
Place = Literal["organization", "collection"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A person or group. `id` is the id at the provider."""

    id: str
    display_name: str
    account: str | None = None
    descriptor: str | None = None
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class ProjectRef:
    """A project by id, and its name if known."""

    id: str
    name: str = ""


def with_place(text: str, place: Place) -> str:
    """The text with {place} and {a_place} filled in."""
    article = "an" if place == "organization" else "a"
    return text.replace("{place}", place).replace("{a_place}", f"{article} {place}")
