"""Revoke a leaked personal access token, in a sign-in of its owner at Microsoft.

It is revoked only when it is certain which of the owner's tokens it is: because we created it, or because a person
picked it, now or in an import. Until then, a sign-in finds out which it may be.
"""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from connections import clients
from connections.actions import renew_sign_in
from connections.actions.leak_questions import ask_soon
from connections.actions.refusals import CannotRenew
from connections.actions.signed_in import SignedIn
from connections.domain import leak_proof
from connections.domain.renewal import Candidate
from connections.models import Connection, KnownToken, LeakedToken
from connections.providers.azure_devops import personal_tokens
from connections.token_candidates import candidates_for
from history.record import Actor, Named, record


def is_possible(leak: LeakedToken) -> bool:
    """Whether its owner can revoke it by signing in here."""
    is_known = leak.is_token and bool(leak.identity_id)
    return is_known and not leak.is_over and clients.can_sign_in(leak.server)


def begin(leak: LeakedToken, entry: str, *, person: AbstractBaseUser, now: datetime) -> str:
    """The address at Microsoft where its owner signs in. `entry` is which token a person picked, or empty.

    Raises `CannotRenew`.
    """
    if not is_possible(leak):
        raise CannotRenew("renewal_not_offered")
    if entry and entry not in [candidate["id"] for candidate in leak.candidates]:
        raise CannotRenew("leak_no_candidate", field="entry")
    return renew_sign_in.begin_revoking(leak, entry, person=person, now=now)


def revoke(leak: LeakedToken, entry: str, signed_in: SignedIn) -> LeakedToken:
    """Revoke it, or find out which token it may be. Returns it as it is then. Raises `AzureDevOpsError`."""
    known = KnownToken.objects.filter(fingerprint=leak.fingerprint).first()
    authorization_id = known.authorization_id if known else entry
    if authorization_id:
        names = {candidate["id"]: candidate["name"] for candidate in leak.candidates}
        personal_tokens.revoke(signed_in.transport, authorization_id)
        _record(leak, names.get(authorization_id, ""), by=signed_in.by, now=signed_in.clock())
    else:
        candidates = [candidate.as_json() for candidate in _candidates(leak, signed_in)]
        rows = LeakedToken.objects.filter(pk=leak.pk, revoked_at=None, proved_at=None, ended_at=None)
        rows.update(candidates=candidates, candidates_read_at=signed_in.clock())
    leak.refresh_from_db()
    return leak


def _candidates(leak: LeakedToken, signed_in: SignedIn) -> list[Candidate]:
    storing = Connection.objects.filter(stored_credential__fingerprint=leak.fingerprint).order_by("pk").first()
    return candidates_for(
        leak.fingerprint,
        signed_in.tokens().items,
        verdicts=next((user["verdicts"] for user in leak.connections if user["verdicts"]), {}),
        expires_on=storing.expires_on if storing else None,
    )


def _record(leak: LeakedToken, name: str, *, by: Actor, now: datetime) -> None:
    """Record the revocation once, and let a worker ask soon whether it took effect."""
    soon = now + leak_proof.FIRST_WAIT
    detail: dict[str, Any] = {"leak": leak.pk} | ({"name": name} if name else {})
    rows = LeakedToken.objects.filter(pk=leak.pk)
    with transaction.atomic():
        if not rows.filter(revoked_at=None).update(revoked_at=now, candidates=[], candidates_read_at=None):
            return
        rows.filter(next_ask_at__gt=soon).update(next_ask_at=soon)
        ask_soon(leak)
        for user in leak.connections:
            subject = Named("connection", user["id"], user["name"])
            record("connection.leaked_token_revoked", subject, by=by, at=now, detail=detail)
