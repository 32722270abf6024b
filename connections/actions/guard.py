"""Hold every token to the guard rails, through whichever door it comes; and set them."""

from dataclasses import asdict
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from connections import input_rules, messages, rails
from connections.actions import versions
from connections.actions.probe import token_in_use
from connections.actions.refusals import CannotChange, Refused, refusing_invalid_input
from connections.azure_devops.secret import PersonalAccessToken
from connections.models import GuardRails
from connections.rails import Breach, Rails, Rule
from history.record import Actor, record


def broken(
    *,
    expires_on: date | None,
    now: datetime,
    token: PersonalAccessToken | None = None,
    besides: int | None = None,
    born_on: date | None = None,
) -> list[Breach]:
    """Which guard rails a token breaks. `besides` is the connection whose own token does not count as reuse."""
    return rails.breaches(
        GuardRails.now(),
        born_on=born_on or timezone.localdate(now),
        expires_on=expires_on,
        reused=token is not None and token_in_use(token, besides=besides),
    )


def reuse(token: PersonalAccessToken, *, besides: int | None = None) -> list[Breach]:
    """The breach of using one token twice, if it is one."""
    today = timezone.localdate()
    found = broken(expires_on=today, now=timezone.now(), token=token, besides=besides)
    return [one for one in found if one.code == "token_reused"]


def enforce(found: list[Breach], refusal: type[Refused]) -> list[Breach]:
    """The breaches that are only warned of. Raises `refusal` for the first that is refused."""
    for breach in found:
        if breach.rule is Rule.REFUSE:
            problem = messages.problem(breach.code)
            raise refusal(problem.code, f"{problem.title}. {problem.next_step}", field=breach.field)
    return found


def set_rails(wished: Rails, *, by: Actor, now: datetime, drawn_from: str | None = None) -> bool:
    """Put new guard rails in force. Returns whether anything changed; saying the same twice records it once.

    `drawn_from` is the version that the form carries. Raises `CannotChange`.
    """
    with refusing_invalid_input(CannotChange):
        input_rules.longest_life(wished.longest_life_days)
    with transaction.atomic():
        stored = GuardRails.locked()
        versions.require_unchanged_rails(stored.rails(), wished, drawn_from, refusal=CannotChange)
        before, after = asdict(stored.rails()), asdict(wished)
        differing = [name for name in after if before[name] != after[name]]
        changed = {name: {"before": before[name], "after": after[name]} for name in differing}
        if changed:
            stored.take(wished)
            stored.save()
            record("guardrails.changed", stored, by=by, at=now, detail=changed)
    return bool(changed)
