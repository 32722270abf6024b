"""A problem, and the placeholders in its texts."""

import math
from dataclasses import dataclass, replace

from connections.providers.organization import Place, with_place


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts about one occurrence of a problem.

    `host` is who answered or where a redirect leads; `retry_after` is in seconds. `object_id` is the application that
    an administrator has to add, and `support` has ids for Microsoft's support.
    """

    host: str = ""
    organization: str = ""
    retry_after: float | None = None
    object_id: str = ""
    support: str = ""


NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem as people read it. `link` names a helpful page: "guide", "tokens" or "status".

    The texts may contain {host}, {server} (the host), {name} (the organization), {wait}, {object_id}, and {place} or
    {a_place} (organization or collection); `with_facts` fills them in.
    """

    code: str
    title: str
    explanation: str
    next_step: str
    link: str = ""

    @property
    def brief(self) -> str:
        """What it is and what to do, for the message at a field."""
        return f"{self.title}. {self.next_step}"

    @property
    def full(self) -> str:
        """Everything, as one paragraph."""
        return f"{self.title}. {self.explanation} {self.next_step}"

    def with_facts(self, facts: Facts, place: Place = "organization") -> "Problem":
        """The problem with its placeholders filled in, with neutral words for unknown facts."""
        values = {
            "{host}": facts.host or "another address",
            "{server}": facts.host or "Azure DevOps",
            "{name}": f"“{facts.organization}”" if facts.organization else "with this name",
            "{object_id}": facts.object_id or "shown in Microsoft Entra under “Enterprise applications”",
            "{wait}": duration_in_words(facts.retry_after) if facts.retry_after else "a few minutes",
        }
        texts = {}
        for name in ("title", "explanation", "next_step"):
            text = with_place(getattr(self, name), place)
            for placeholder, value in values.items():
                text = text.replace(placeholder, value)
            texts[name] = text
        return replace(self, **texts)


_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def duration_in_words(seconds: float) -> str:
    """A duration rounded up: "37 seconds", "11 minutes", "2 hours"."""
    whole = max(1, math.ceil(seconds))
    size, unit = next((size, unit) for size, unit in _UNITS if whole >= 2 * size or size == 1)
    count = math.ceil(whole / size)
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
