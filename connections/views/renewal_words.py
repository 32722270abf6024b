"""What the page of a renewal says: how far it is, and what can be done."""

from dataclasses import dataclass
from datetime import datetime

from connections import clients, renewal_reads
from connections.actions.settle_renewals import is_time_to_revoke, still_used_by
from connections.domain.problems import Facts, Problem, catalogue
from connections.domain.problems.refusals import REFUSALS
from connections.domain.renewal import State
from connections.models import Renewal
from connections.views.presenters import Chip

CHIPS = {
    State.CREATING: Chip("Creating the token", "hourglass", "warn"),
    State.LOST: Chip("Token may be lost", "triangle-alert", "bad"),
    State.CREATED: Chip("New token not in use", "hourglass", "warn"),
    State.DISCARDED: Chip("New token to be revoked", "triangle-alert", "warn"),
    State.SWAPPED: Chip("Old token still valid", "hourglass", "warn"),
    State.REVOKED: Chip("Old token revoked", "shield", "info"),
    State.PROVED: Chip("Renewed", "shield-check", "good"),
    State.NOT_PROVED: Chip("Old token not proved dead", "shield-alert", "bad"),
    State.KEPT: Chip("Renewed, old token left valid", "circle-check", "info"),
    State.FAILED: Chip("Not renewed", "circle-x", "bad"),
}

_AFTER_REFUSAL = (
    "Open the connection to see which token it uses now. Then continue with the new one, or discard it if it is not "
    "needed any more."
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step as the page lists it. `done_at` is when it was taken, if that is known."""

    words: str
    is_done: bool
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RenewalView:
    """A renewal as its page shows it. `problem` is why the latest step failed; `used_by` still use the old token.

    `chooses` is whether the page asks which entry the old token is.
    """

    chip: Chip
    problem: Problem | None
    steps: list[Step]
    is_running: bool
    used_by: list[str]
    can_revoke: bool
    waits_until: datetime | None
    refreshes: bool
    chooses: bool


def view_of(renewal: Renewal, *, now: datetime, chooses_again: bool = False) -> RenewalView:
    """What to show of a renewal now. With `chooses_again`, a person wants to pick another old token."""
    state = State(renewal.state)
    is_running = state is State.CREATING and renewal_reads.is_running(renewal, now=now)
    is_swapped = state is State.SWAPPED
    is_early = is_swapped and renewal.revoke_from is not None and now < renewal.revoke_from
    chooses = is_swapped and (not renewal.old_authorization_id or (chooses_again and renewal.picked_name is not None))
    used_by = still_used_by(renewal) if is_swapped else []
    return RenewalView(
        chip=CHIPS[state],
        problem=_problem(renewal, is_running=is_running),
        steps=_steps(renewal, state),
        is_running=is_running,
        used_by=used_by,
        can_revoke=is_swapped and is_time_to_revoke(renewal, used_by, now=now),
        waits_until=renewal.revoke_from if is_early else None,
        # Not while the person chooses the old token.
        refreshes=is_running or (not chooses and bool(is_early or renewal.next_ask_at)),
        chooses=chooses,
    )


def _problem(renewal: Renewal, *, is_running: bool) -> Problem | None:
    if renewal.problem:
        return problem_of(renewal.problem, renewal.server, organization=renewal.organization)
    is_interrupted = renewal.state == State.CREATING and not is_running
    return catalogue.problem("renewal_lost") if is_interrupted else None


def problem_of(code: str, server: str, *, organization: str = "") -> Problem:
    """A problem with a renewal, worded for its server. What replacing the token refused is one too."""
    if code in REFUSALS:
        return Problem(code, "Not possible", REFUSALS[code], _AFTER_REFUSAL)
    return catalogue.problem(code, place=clients.place_of(server), facts=Facts(organization=organization))


def _steps(renewal: Renewal, state: State) -> list[Step]:
    was_swapped = renewal.swapped_at is not None
    was_revoked = state in (State.REVOKED, State.PROVED, State.NOT_PROVED)
    return [
        Step("Create a new token", bool(renewal.authorization_id)),
        Step("Test it, compare it with the old one, and use it", was_swapped, renewal.swapped_at),
        Step("Revoke the old token", was_revoked, renewal.revoke_asked_at if was_revoked else None),
        Step("Prove that Azure DevOps rejects it", state is State.PROVED, renewal.ended_at if was_revoked else None),
    ]
