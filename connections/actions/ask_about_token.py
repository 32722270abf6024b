"""Ask Azure DevOps whether it accepts a token that is kept only for this question: a leaked one, or a renewed one.

What is due is in the rows. A worker that dies leaves a lease that expires, and the token is asked about again.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connections import clients
from connections.domain import leak_proof
from connections.models import LeakedToken, Renewal
from connections.providers.azure_devops.errors import AzureDevOpsError, Throttled
from core.database_errors import database_problem
from core.encryption import UnreadableToken
from core.leases import LeasedQuerySet

log = logging.getLogger(__name__)
_MOST_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What Azure DevOps answered: the problem code, or "" if it accepted the token.

    `is_proof` is whether it means that the token is rejected for good; `retry_after` is in seconds.
    """

    code: str
    is_proof: bool = False
    retry_after: float = 0.0

    def next_ask(self, began_at: datetime, *, now: datetime) -> datetime | None:
        """When to ask again, of questions that began at this time; None if that is not needed or too late."""
        not_before = now + timedelta(seconds=self.retry_after)
        return None if self.is_proof else leak_proof.next_ask(began_at, after=not_before)


def claim_due(rows: LeasedQuerySet[Any], *, now: datetime) -> list[tuple[int, str]]:
    """Lease those of these rows that are due, each for itself. Returns their ids, each with its lease."""
    due = rows.filter(next_ask_at__lte=now)
    claims = []
    for pk in due.free(now).order_by("next_ask_at", "pk").values_list("pk", flat=True)[:_MOST_AT_ONCE]:
        lease = due.filter(pk=pk).claim(now=now)
        claims += [(pk, lease)] if lease else []
    return claims


def ask(kept: LeakedToken | Renewal) -> Answer:
    """Use the token once."""
    try:
        server, token, seconds = clients.server(kept.server), kept.reveal(), clients.page_seconds()
        # An access token that an application fetched before would be accepted for an hour.
        with clients.azure_devops(
            server, kept.organization, token, seconds=seconds, fresh=True, even_if_leaked=True
        ) as client:
            client.connection_data()
    except AzureDevOpsError as error:
        wait = error.retry_after if isinstance(error, Throttled) else None
        return Answer(error.code, leak_proof.is_proof(error), wait or 0.0)
    except (UnreadableToken, clients.UnknownServer) as ours:
        return Answer(ours.code)
    except Exception as error:
        if database_problem(error):
            raise
        # Recorded like an answer, so that the questions end, and with them the token that is kept for them.
        log.exception("The question about the token of %s %s failed unexpectedly.", type(kept).__name__, kept.pk)
        return Answer("failed_here")
    return Answer("")
