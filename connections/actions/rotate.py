"""Replace a stored token: verify the new one, compare both, replace in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from connections import clients, input_rules
from connections.actions import enforce_policy, status_changes, versions
from connections.actions.audit import audit
from connections.actions.audit_runs import mark_done
from connections.actions.capability_states import store_findings
from connections.actions.check_stored import failure_before_asking, problem_of
from connections.actions.connect import apply_report, shown_date, why_refused
from connections.actions.coverage import coverage_changed
from connections.actions.declare_leak import refuse_leaked
from connections.actions.read_dates import date_to_store, is_date_entered
from connections.actions.refusals import CannotRotate, refusing_invalid_input
from connections.actions.verify_credential import Credentials, VerificationResult, keep_result, usable_or_new_result
from connections.domain import expiry
from connections.domain.problems import catalogue
from connections.domain.problems.refusals import STORED_AND_REFUSED
from connections.domain.verification import Report
from connections.models import Connection, StoredCredential
from connections.models.sealed import fingerprint_of
from connections.notifications import consumer_mail
from connections.providers.azure_devops.identifiers import OrganizationName
from connections.providers.capability import Verdict
from connections.providers.credential import Credential
from history.record import Actor, record


@dataclass(frozen=True, slots=True)
class Comparison:
    """The new token compared with the old one. Capabilities are keys."""

    same_person: bool
    same_organization: bool
    lost: tuple[str, ...]
    gained: tuple[str, ...]

    def detail(self) -> dict[str, object]:
        """What the history and commands say about it."""
        return {"same_person": self.same_person, "lost": list(self.lost), "gained": list(self.gained)}


@dataclass(frozen=True, slots=True)
class Replacement:
    """The new token, and the data that a person enters about it."""

    token: Credential
    expires_on: date | None
    token_reach: str
    accept_limited: bool = False
    verification_key: str = ""


def credentials_for(connection: Connection, token: Credential) -> Credentials:
    """The token with the connection's organization and projects. Raises `CannotRotate` if the server is unknown."""
    try:
        server = clients.server(connection.server)
    except clients.UnknownServer as error:
        raise CannotRotate(error.code, catalogue.problem(error.code).explanation) from error
    return Credentials(server, OrganizationName(connection.organization), token, connection.limited_to())


def compare(connection: Connection, report: Report) -> Comparison:
    """Compare the token of an accepted report with the stored one."""
    before = {state.capability for state in connection.capabilities.all() if state.verdict == Verdict.GRANTED}
    after = {finding.capability for finding in report.findings if finding.verdict is Verdict.GRANTED}
    # Unknown capabilities are neither lost nor gained.
    refused = {finding.capability for finding in report.lacking()}
    return Comparison(
        same_person=report.identity is not None and report.identity.id == connection.identity_id,
        same_organization=report.organization_id == connection.organization_id,
        lost=tuple(sorted(before & refused)),
        gained=tuple(sorted(after - before)),
    )


Verification = Callable[[Credentials], VerificationResult]


def rotate(
    connection: Connection,
    new: Replacement,
    *,
    person: AbstractBaseUser,
    by: Actor,
    now: datetime,
    verify: Verification | None = None,
    drawn_from: str | None = None,
    in_transaction: Callable[[], object] | None = None,
) -> Comparison:
    """Replace the token. Raises `CannotRotate` or `ConnectionGone` without changing anything.

    `verify` verifies the credentials; by default a kept result is used or a new verification made. `drawn_from` is the
    version in the form. `in_transaction` is called in the transaction in which the token is replaced.
    """
    versions.require_unchanged(connection, drawn_from, versions.ROTATE, refusal=CannotRotate)
    with refusing_invalid_input(CannotRotate):
        day = input_rules.expiry_of_new_credential(new.token, new.expires_on, today=timezone.localdate(now))
        new = replace(new, expires_on=day)
        input_rules.choice(new.token_reach, Connection.Reach.values, field="token_reach")
    credentials = credentials_for(connection, new.token)
    refuse_leaked(new.token, CannotRotate)
    _require_other_token(connection, new.token)
    violations = enforce_policy.violations_of(
        expires_on=new.expires_on, now=now, token=new.token, besides=connection.pk
    )
    enforce_policy.enforce(violations, CannotRotate)
    tested = (
        verify(credentials) if verify else usable_or_new_result(new.verification_key, credentials, by=person, now=now)
    )
    report = tested.report
    try:
        _validate(connection, report, new, credentials, today=timezone.localdate(now))
        new = replace(new, expires_on=date_to_store(report, new.expires_on, now=now, refusal=CannotRotate))
    except CannotRotate as refused:
        refused.tested = keep_result(tested, credentials, by=person, now=now)
        raise
    comparison = compare(connection, report)
    # Azure DevOps has created no tokens for all organizations since 15 March 2026, so the default is one.
    reach = new.token_reach or Connection.Reach.ONE
    new = replace(new, token_reach=Connection.Reach.at(credentials.server.place, reach))
    kind_before = connection.credential().kind
    with transaction.atomic():
        _swap(connection, new, report, now=now)
        detail = (
            comparison.detail() | {"expires_on": shown_date(new.expires_on)} | _other_kind(kind_before, new.token.kind)
        )
        record("connection.rotated", connection, by=by, at=now, detail=detail)
        consumer_mail.token_replaced(connection, now=now)
        if in_transaction is not None:
            in_transaction()
    return comparison


def _other_kind(before: str, after: str) -> dict[str, object]:
    return {} if before == after else {"credential": {"before": before, "after": after}}


def _require_other_token(connection: Connection, token: Credential) -> None:
    """Refuse the stored token, because the person would be asked to revoke the old one.

    If the stored copy is unreadable, entering the same token again repairs it.
    """
    stored = StoredCredential.objects.filter(connection=connection, fingerprint=fingerprint_of(token)).first()
    if stored is None or not stored.is_readable() or stored.reveal() != token:
        # A later certificate for the same key is recognized by the key, and is another one.
        return
    is_dead = connection.problem in expiry.DEAD_TOKEN
    raise CannotRotate("same_token", STORED_AND_REFUSED if is_dead else "", field="token")


def _validate(
    connection: Connection, report: Report, new: Replacement, credentials: Credentials, *, today: date
) -> None:
    if not report.accepted:
        problem = why_refused(report, credentials, token_reach=new.token_reach, today=today)
        raise CannotRotate(problem.code, problem.brief, field="token")
    if report.organization_id != connection.organization_id:
        problem = catalogue.problem("another_organization", place=credentials.server.place)
        raise CannotRotate(problem.code, problem.explanation, field="token")
    if not report.passed and not new.accept_limited:
        raise CannotRotate("limited_not_accepted", field="accept_limited")


def _swap(connection: Connection, new: Replacement, report: Report, *, now: datetime) -> None:
    if versions.held(connection.pk).token_set_at != connection.token_set_at:
        raise CannotRotate("replaced_meanwhile")
    refuse_leaked(new.token, CannotRotate)
    enforce_policy.refuse_reused(new.token, CannotRotate, besides=connection.pk)
    # Keeps other changes made since the page was opened.
    connection.refresh_from_db()
    connection.token_set_at = now
    connection.expires_on = new.expires_on
    connection.expires_read_on = report.date.day if report.date else None
    connection.token_reach = new.token_reach
    before = connection.health
    _store(connection, new.token, report)
    apply_report(connection, report)
    connection.health_since = report.finished_at if before != connection.health else connection.health_since
    connection.next_check_at = now + timedelta(hours=settings.AUDIT_EVERY_HOURS)
    connection.leased_until, connection.lease = None, ""
    stored = store_findings(connection, report, is_new_token=True)
    # The person saw what the new token can do, so no second audit has to confirm it.
    status_changes.apply_observation(
        connection, status_changes.Observation(stored.lacking, answered=True, seen_again=False, confirmed=True), at=now
    )
    connection.save(force_update=True)
    mark_done(connection, at=now)
    # The new token may see other projects, and what failed because of the old one may succeed.
    coverage_changed(connection, now=now)


def _store(connection: Connection, token: Credential, report: Report) -> None:
    """Seal the new token. What is kept of the old one is its fingerprint, and whose it was."""
    stored, _ = StoredCredential.objects.get_or_create(
        connection=connection, defaults={"sealed": b"", "fingerprint": ""}
    )
    if stored.fingerprint != fingerprint_of(token):
        stored.remember_as_replaced(connection)
    stored.seal(token)
    stored.note_date(report.date, at=report.finished_at)
    stored.save()


def extend(
    connection: Connection, *, expires_on: date | None, by: Actor, now: datetime, drawn_from: str | None = None
) -> Report:
    """Record the new expiry date of an extended token, after verifying it.

    `drawn_from` is the version in the form. Raises `CannotRotate` and `ConnectionGone`.
    """
    asked_at, yours = connection.token_set_at, {"expires_on": versions.expiry_date(expires_on)}
    versions.require_unchanged(connection, drawn_from, versions.EXTEND, yours=yours, refusal=CannotRotate)
    if not is_date_entered(connection):
        raise CannotRotate("date_is_read", field="expires_on")
    with refusing_invalid_input(CannotRotate):
        input_rules.expiry_of_new_token(
            expires_on, today=timezone.localdate(now), of_application=connection.application is not None
        )
    enforce_policy.enforce(enforce_policy.violations_of(expires_on=expires_on, now=now), CannotRotate)
    if failure := failure_before_asking(connection, now=now):
        problem = problem_of(failure, connection)
        raise CannotRotate(problem.code, problem.brief)
    report = audit(connection, by=by, now=now, interactive=True)
    if not report.accepted:
        code = connection.problem or (report.failure.code if report.failure else "")
        facts = catalogue.facts_of(report.failure, connection.organization) if report.failure else catalogue.Facts()
        problem = catalogue.problem(code, place=clients.place_of(connection.server), facts=facts)
        raise CannotRotate(problem.code, problem.brief)
    with transaction.atomic():
        current = versions.held(connection.pk)
        if current.token_set_at != asked_at:
            raise CannotRotate("replaced_meanwhile")
        versions.require_unchanged(current, drawn_from, versions.EXTEND, yours=yours, refusal=CannotRotate)
        Connection.objects.filter(pk=current.pk).update(expires_on=expires_on)
        connection.expires_on = expires_on
        detail = {"before": shown_date(current.expires_on), "after": shown_date(expires_on)}
        record("connection.extended", connection, by=by, at=now, detail=detail)
    return report
