"""Notify people of status changes once they are confirmed."""

from dataclasses import dataclass
from datetime import datetime

from connections.domain.health import Health, NotifiedState, should_notify, status_change
from connections.models import Connection
from connections.notifications import notify

# Only an accepted token shows which capabilities it lacks.
ACCEPTED = (Health.HEALTHY, Health.LIMITED)


@dataclass(frozen=True, slots=True)
class Observation:
    """The result of an audit. `answered` is False for an inconclusive one, which confirms nothing.

    `confirmed` says that a person saw the result, so that no second audit is needed.
    """

    lacking: frozenset[str]
    answered: bool
    seen_again: bool
    confirmed: bool = False


def apply_observation(connection: Connection, observation: Observation, *, at: datetime) -> None:
    """Count the confirmations, and write mails if it is time, in the caller's transaction. The caller saves."""
    if not observation.answered and connection.health != Health.UNREACHABLE:
        # An inconclusive audit says nothing about the token.
        return
    notified = NotifiedState(Health(connection.notified_health), frozenset(connection.notified_lacking))
    now = NotifiedState(
        Health(connection.health), observation.lacking if connection.health in ACCEPTED else notified.lacking
    )
    change = status_change(notified, now)
    if change is None:
        connection.confirmations = 0
        # Recovered capabilities are forgotten, so that people are notified if they are lost again.
        record_notified(connection, now.lacking & notified.lacking)
        return
    if observation.answered:
        connection.confirmations = connection.confirmations + 1 if observation.seen_again else 1
    lasted = at - connection.health_since
    if should_notify(change, confirmations=connection.confirmations, lasted=lasted, confirmed=observation.confirmed):
        notify.notify_status_change(connection, change, now=at)
        connection.notified_health = connection.health
        connection.confirmations = 0
        record_notified(connection, now.lacking)


def record_notified(connection: Connection, lacking: frozenset[str]) -> None:
    """Remember which missing capabilities people know about. The caller saves."""
    connection.notified_lacking = sorted(lacking)
