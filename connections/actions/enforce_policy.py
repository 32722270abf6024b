"""Enforce the token policy, on pages and in commands, and change it."""

from dataclasses import asdict
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from connections import input_rules
from connections.actions import versions
from connections.actions.refusals import CannotChange, Refused, refusing_invalid_input
from connections.actions.verify_credential import token_in_use
from connections.domain import token_policy
from connections.domain.problems import catalogue
from connections.domain.token_policy import Rule, TokenPolicy, Violation
from connections.models import StoredTokenPolicy
from connections.providers.credential import Credential
from history.record import Actor, record


def violations_of(
    *,
    expires_on: date | None,
    now: datetime,
    token: Credential | None = None,
    besides: int | None = None,
    born_on: date | None = None,
) -> list[Violation]:
    """The rules that a token violates. `besides` is the connection whose own token does not count as reuse."""
    return token_policy.violations(
        StoredTokenPolicy.now(),
        born_on=born_on or timezone.localdate(now),
        expires_on=expires_on,
        reused=token is not None and token_in_use(token, besides=besides),
    )


def reuse_violations(token: Credential, *, besides: int | None = None) -> list[Violation]:
    """The violation of reusing a token, if the policy does not allow that."""
    today = timezone.localdate()
    violations = violations_of(expires_on=today, now=timezone.now(), token=token, besides=besides)
    return [violation for violation in violations if violation.code == "token_reused"]


def refuse_reused(token: Credential, refusal: type[Refused], *, besides: int | None = None) -> None:
    """Raise `refusal` if another connection got the token during its test, and the policy does not allow that.

    In the transaction that stores it: of two at the same moment, the second waits for the first.
    """
    if StoredTokenPolicy.now().reuse is Rule.REFUSE and not token.is_for_many:
        StoredTokenPolicy.locked()
        enforce(reuse_violations(token, besides=besides), refusal)


def enforce(violations: list[Violation], refusal: type[Refused]) -> list[Violation]:
    """Raise `refusal` for the first violation that is not allowed. Returns the others, which are warnings."""
    for violation in violations:
        if violation.rule is Rule.REFUSE:
            problem = catalogue.problem(violation.code)
            raise refusal(problem.code, problem.brief, field=violation.field)
    return violations


def set_token_policy(policy: TokenPolicy, *, by: Actor, now: datetime, drawn_from: str | None = None) -> bool:
    """Change the token policy. Returns whether anything changed.

    `drawn_from` is the version in the form. Raises `CannotChange`.
    """
    with refusing_invalid_input(CannotChange):
        input_rules.longest_life(policy.longest_life_days)
    with transaction.atomic():
        stored = StoredTokenPolicy.locked()
        versions.require_unchanged_policy(stored.policy(), policy, drawn_from, refusal=CannotChange)
        before, after = asdict(stored.policy()), asdict(policy)
        differing = [name for name in after if before[name] != after[name]]
        changed = {name: {"before": before[name], "after": after[name]} for name in differing}
        if changed:
            stored.copy_from(policy)
            stored.save()
            record("guardrails.changed", stored, by=by, at=now, detail=changed)
    return bool(changed)
