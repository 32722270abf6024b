"""What the page of a bulk renewal says of each connection: how far it is, and the next step."""

from dataclasses import dataclass

from connections.domain import renewal as rules
from connections.domain.problems import Problem
from connections.domain.renewal import State
from connections.models import BulkRenewalItem, Connection, Renewal
from connections.views.presenters import Chip
from connections.views.renewal_words import CHIPS, problem_of

_NOT_STARTED = Chip("Not started", "circle-dashed", "quiet")
_REFUSED = Chip("Not renewed", "circle-x", "bad")
_WAITS = Chip("Waits", "hourglass", "warn")
_CHOOSE = "Choose which token was the old one."
_NEXT = {
    State.CREATING: "Open the renewal: it says whether it still runs, or how to continue.",
    State.LOST: "Sign in again on the page of the renewal: we look for the token and revoke it.",
    State.CREATED: "Continue on the page of the renewal, or discard the new token.",
    State.DISCARDED: "Sign in again on the page of the renewal: we revoke the new token.",
    State.SWAPPED: "Sign in once more on the page of the renewal when no request uses the old token: we revoke it.",
    State.REVOKED: "No action needed: we ask Azure DevOps until it rejects the old token.",
    State.PROVED: "No action needed.",
    State.NOT_PROVED: "Check in Azure DevOps whether the old token still exists.",
    State.KEPT: "No action needed.",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One connection. `problem` is why it failed, if it did, and `word` what Azure DevOps said."""

    name: str
    chip: Chip
    next_step: str
    state: str
    connection: Connection | None
    renewal: Renewal | None = None
    problem: Problem | None = None
    word: str = ""


def row_of(item: BulkRenewalItem, *, server: str) -> Row:
    """What to show of one connection."""
    if item.renewal is not None:
        return _of_renewal(item, item.renewal)
    if not item.problem:
        return Row(item.connection_name, _NOT_STARTED, "Sign in again to continue.", "not-started", item.connection)
    organization = item.connection.organization if item.connection else ""
    problem = problem_of(item.problem, server, organization=organization)
    waits = item.problem == rules.TOO_MANY_TESTS
    return Row(
        item.connection_name,
        _WAITS if waits else _REFUSED,
        problem.next_step,
        "waits" if waits else "refused",
        item.connection,
        problem=problem,
        word=item.problem_word,
    )


def _of_renewal(item: BulkRenewalItem, renewal: Renewal) -> Row:
    state = State(renewal.state)
    facts = {"organization": renewal.organization}
    problem = problem_of(renewal.problem, renewal.server, **facts) if renewal.problem else None
    is_open = state is State.SWAPPED and not renewal.old_authorization_id
    next_step = _CHOOSE if is_open else _NEXT.get(state) or (problem.next_step if problem else "Renew again.")
    return Row(
        item.connection_name,
        CHIPS[state],
        next_step,
        state.value,
        item.connection,
        renewal,
        problem,
        renewal.problem_word,
    )
