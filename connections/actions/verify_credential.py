"""Verify a token before it is stored, and keep the result until the person connects."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core import signing

from connections import clients
from connections.actions.token_test_rate_limit import count_test
from connections.domain import report_json
from connections.domain.verification import Report
from connections.models import ProbeResult, StoredCredential
from connections.models.sealed import fingerprint_of
from connections.providers.azure_devops.identifiers import OrganizationName
from connections.providers.azure_devops.models import Server
from connections.providers.credential import Credential
from connections.providers.organization import ProjectRef

_SALT = "connections.test-result"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A token with its server and organization, and the projects if it is limited to some."""

    server: Server
    organization: OrganizationName
    token: Credential
    projects: tuple[ProjectRef, ...] = ()


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """A report, and the signed key of its stored copy; empty if it is not stored."""

    report: Report
    verification_key: str = ""


def verify_new(credentials: Credentials, *, by: AbstractBaseUser, now: datetime) -> VerificationResult:
    """Verify the credentials. If the token is accepted, the report is kept with a keyed digest of the token.

    Raises `TooManyTests`.
    """
    return keep_result(VerificationResult(verify(credentials, now=now)), credentials, by=by, now=now)


def verify(credentials: Credentials, *, now: datetime) -> Report:
    """Verify the credentials. Nothing is stored. Raises `TooManyTests`."""
    count_test(now=now)
    return verify_without_counting(credentials, now=now)


def verify_without_counting(credentials: Credentials, *, now: datetime) -> Report:
    """The same for a test that was counted before."""
    report = _check(credentials)
    read = clients.read_date(credentials.server, credentials.token, now=now) if report.accepted else None
    return replace(report, date=read)


def keep_result(
    tested: VerificationResult, credentials: Credentials, *, by: AbstractBaseUser, now: datetime
) -> VerificationResult:
    """Store the result until the person connects, if it is not stored yet and the token was accepted."""
    if tested.verification_key or not tested.report.accepted:
        return tested
    return VerificationResult(tested.report, _keep(credentials, tested.report, by=by, now=now))


def _check(credentials: Credentials) -> Report:
    return clients.check_concurrently(
        credentials.server, credentials.organization.name, credentials.token, credentials.projects
    )


def _keep(credentials: Credentials, report: Report, *, by: AbstractBaseUser, now: datetime) -> str:
    result = ProbeResult(
        user_id=by.pk,
        server=credentials.server.name,
        organization=credentials.organization.name,
        report=report_json.to_json(report),
        created_at=now,
    )
    result.token_digest = result.digest(credentials.token)
    result.save()
    return signing.dumps(result.key, salt=_SALT)


def kept_result(
    verification_key: str, credentials: Credentials, *, by: AbstractBaseUser, now: datetime
) -> VerificationResult | None:
    """A recent result of this person for the same server, organization and token, if there is one.

    Only for showing, as it may be about other projects than those of the credentials.
    """
    oldest = now - timedelta(minutes=settings.TEST_RESULT_MINUTES)
    try:
        key = signing.loads(verification_key, salt=_SALT, max_age=settings.TEST_RESULT_MINUTES * 60)
    except signing.BadSignature:
        return None
    result = ProbeResult.objects.filter(key=key, user_id=by.pk, created_at__gte=oldest).first()
    if result is None or not result.is_for(
        server=credentials.server.name,
        organization=credentials.organization.name,
        token=credentials.token,
    ):
        return None
    return VerificationResult(report_json.from_json(result.report), verification_key)


def usable_result(
    verification_key: str, credentials: Credentials, *, by: AbstractBaseUser, now: datetime
) -> VerificationResult | None:
    """The kept result, if it also applies to the projects of the credentials."""
    result = kept_result(verification_key, credentials, by=by, now=now)
    return result if result is not None and result.report.speaks_for(credentials.projects) else None


def usable_or_new_result(
    verification_key: str, credentials: Credentials, *, by: AbstractBaseUser, now: datetime
) -> VerificationResult:
    """The kept result, or a new one, which is not stored. Raises `TooManyTests`."""
    result = usable_result(verification_key, credentials, by=by, now=now)
    if result is not None:
        return result
    return VerificationResult(verify(credentials, now=now))


def token_in_use(token: Credential, *, besides: int | None = None) -> bool:
    """Whether another connection uses this token. That of an application is meant for several."""
    if token.is_for_many:
        return False
    others = StoredCredential.objects.filter(fingerprint=fingerprint_of(token))
    return others.exclude(pk=besides).exists()


def forget_old(*, now: datetime) -> int:
    """Delete expired results. Returns how many."""
    removed, _ = ProbeResult.objects.filter(
        created_at__lt=now - timedelta(minutes=settings.TEST_RESULT_MINUTES)
    ).delete()
    return removed
