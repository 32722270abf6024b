"""The last requests that a service has answered."""

from dataclasses import dataclass
from datetime import datetime

_REMEMBERED = 20_000


@dataclass(frozen=True)
class SeenRequest:
    """A request that was answered. Never contains a token, nor anything else of its body."""

    method: str
    path: str
    query: str
    status: int
    at: datetime


def remember(log: list[SeenRequest], request: SeenRequest) -> None:
    """Add a request to a log, which forgets the oldest."""
    log.append(request)
    if len(log) > 2 * _REMEMBERED:
        del log[:_REMEMBERED]


def shown_query(query: dict[str, str]) -> str:
    """A query as rules and logs have it."""
    return "&".join(f"{name}={value}" for name, value in query.items())
