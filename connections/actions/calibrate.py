"""Compare the answers of a connection's organization with what is expected of Azure DevOps."""

from datetime import datetime

from structlog.contextvars import bound_contextvars

from connections import clients
from connections.actions.audit import stored_credential
from connections.actions.refusals import CannotCalibrate
from connections.actions.token_test_rate_limit import count_test
from connections.domain.calibration import Calibration, Result, Told, token_states
from connections.domain.problems import catalogue
from connections.models import Connection
from core.encryption import UnreadableToken
from history.record import Actor, record


def calibrate(connection: Connection, told: Told, *, by: Actor, now: datetime) -> Calibration:
    """Ask with the stored token, and compare. `told` is what a person says of it.

    Nothing of the answers is stored, and the connection stays as it is. Raises `CannotCalibrate`, and for a person
    `TooManyTests`.
    """
    place = clients.place_of(connection.server)
    if told.token_state not in token_states(place):
        raise CannotCalibrate(
            "no_such_state", "A token of Azure DevOps Server is valid for every collection.", field="token"
        )
    count_test(now=now)
    try:
        server, token = clients.server(connection.server), stored_credential(connection)
    except (UnreadableToken, clients.UnknownServer) as ours:
        problem = catalogue.problem(ours.code, place=place)
        raise CannotCalibrate(problem.code, f"{problem.title}. {problem.next_step}") from None
    with bound_contextvars(connection_id=connection.pk):
        found = clients.calibrate(
            server,
            connection.organization,
            token,
            told,
            people=_people(connection, by),
            things=[connection.name],
            projects=connection.limited_to(),
        )
    detail = {
        "asked": sum(found.counts.values()) - found.counts[Result.NOT_ASKED],
        "different": found.counts[Result.DIFFERENT],
    }
    record("connection.calibrated", connection, by=by, at=now, detail=detail)
    return found


def _people(connection: Connection, by: Actor) -> list[str]:
    """Who is known here by name, and must not come back in an answer's type of error."""
    owner = connection.owner
    people = [connection.identity_name, connection.identity_account]
    people += [owner.get_full_name(), owner.get_username(), owner.email]
    return people if by.id is None else [*people, by.name]
