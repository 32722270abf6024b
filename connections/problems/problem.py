"""What a problem is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem as a person reads it. `link` names a page that helps: "guide", "tokens" or "status"."""

    code: str
    title: str
    explanation: str
    next_step: str
    link: str = ""
