"""Compare the answers of a connection's organization with the expected answers of Azure DevOps."""

from datetime import datetime

from structlog.contextvars import bound_contextvars

from connections import clients
from connections.actions.check_stored import failure_before_asking, problem_of
from connections.actions.refusals import CannotCalibrate
from connections.actions.token_test_rate_limit import count_test
from connections.domain.calibration import Calibration, Result, Told, token_states
from connections.domain.problems import catalogue
from connections.models import Connection
from core.encryption import UnreadableToken
from history.record import Actor, record


def calibrate(connection: Connection, told: Told, *, by: Actor, now: datetime) -> Calibration:
    """Make the calls with the stored token and compare the answers. `told` is what a person says about the token.

    No answer is stored, and the connection does not change. Raises `CannotCalibrate`, and `TooManyTests` for a person.
    """
    place = clients.place_of(connection.server)
    if told.token_state not in token_states(place):
        raise CannotCalibrate("no_such_state", field="token")
    if failure := failure_before_asking(connection, now=now):
        problem = problem_of(failure, connection)
        raise CannotCalibrate(problem.code, problem.brief)
    count_test(now=now)
    try:
        server, token = clients.server(connection.server), clients.stored_credential(connection)
    except (UnreadableToken, clients.UnknownServer) as error:
        problem = catalogue.problem(error.code, place=place)
        raise CannotCalibrate(problem.code, problem.brief) from None
    with bound_contextvars(connection_id=connection.pk):
        calibration = clients.calibrate(
            server,
            connection.organization,
            token,
            told,
            people=_people(connection, by),
            things=[connection.name],
            projects=connection.limited_to(),
        )
    detail = {
        "asked": sum(calibration.counts.values()) - calibration.counts[Result.NOT_ASKED],
        "different": calibration.counts[Result.DIFFERENT],
    }
    record("connection.calibrated", connection, by=by, at=now, detail=detail)
    return calibration


def _people(connection: Connection, by: Actor) -> list[str]:
    """Names of people, which must not appear in the error types of a calibration file."""
    owner = connection.owner
    people = [connection.identity_name, connection.identity_account]
    people += [owner.get_full_name(), owner.get_username(), owner.email]
    return people if by.id is None else [*people, by.name]
