"""Test a token before anything is stored, and keep the result for the minutes until Connect."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core import signing

from connections import clients, keyring, reports
from connections.actions.allowance import take_test
from connections.azure_devops.names import OrganizationName
from connections.azure_devops.secret import PersonalAccessToken
from connections.azure_devops.types import Server
from connections.checks import Report
from connections.models import ProbeResult, StoredToken

_SALT = "connections.test-result"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A token and where it should open the door."""

    server: Server
    organization: OrganizationName
    token: PersonalAccessToken


@dataclass(frozen=True, slots=True)
class Tested:
    """A report, and the signed key of its stored copy; empty when the token was not accepted."""

    report: Report
    verdict: str = ""


def try_new(credentials: Credentials, *, by: AbstractBaseUser, now: datetime) -> Tested:
    """Check the credentials. Nothing of the token is stored but a keyed digest, and only when it was accepted.

    Raises `TooManyTests`.
    """
    take_test(now=now)
    report = clients.check_side_by_side(credentials.server, credentials.organization.name, credentials.token)
    if not report.accepted:
        return Tested(report)
    return Tested(report, _keep(credentials, report, by=by, now=now))


def _keep(credentials: Credentials, report: Report, *, by: AbstractBaseUser, now: datetime) -> str:
    result = ProbeResult(
        user_id=by.pk,
        server=credentials.server.name,
        organization=credentials.organization.name,
        report=reports.to_json(report),
        created_at=now,
    )
    result.token_digest = result.digest(credentials.token)
    result.save()
    return signing.dumps(result.key, salt=_SALT)


def verdict_in_hand(verdict: str, credentials: Credentials, *, by: AbstractBaseUser, now: datetime) -> Report | None:
    """The report of a test made minutes ago by this person for exactly these credentials, if there is one."""
    oldest = now - timedelta(minutes=settings.TEST_RESULT_MINUTES)
    try:
        key = signing.loads(verdict, salt=_SALT, max_age=settings.TEST_RESULT_MINUTES * 60)
    except signing.BadSignature:
        return None
    result = ProbeResult.objects.filter(key=key, user_id=by.pk, created_at__gte=oldest).first()
    if result is None or not result.is_for(
        server=credentials.server.name,
        organization=credentials.organization.name,
        token=credentials.token,
    ):
        return None
    return reports.from_json(result.report)


def report_for(verdict: str, credentials: Credentials, *, by: AbstractBaseUser, now: datetime) -> Report:
    """The report in hand, or a fresh one. Raises `TooManyTests`."""
    in_hand = verdict_in_hand(verdict, credentials, by=by, now=now)
    if in_hand is not None:
        return in_hand
    take_test(now=now)
    return clients.check_side_by_side(credentials.server, credentials.organization.name, credentials.token)


def token_in_use(token: PersonalAccessToken, *, besides: int | None = None) -> bool:
    """Whether another connection already keeps this token."""
    others = StoredToken.objects.filter(fingerprint=keyring.fingerprint(token))
    return others.exclude(pk=besides).exists()


def forget_old(*, now: datetime) -> int:
    """Remove results that Connect would not take any more. Returns how many."""
    removed, _ = ProbeResult.objects.filter(
        created_at__lt=now - timedelta(minutes=settings.TEST_RESULT_MINUTES)
    ).delete()
    return removed
