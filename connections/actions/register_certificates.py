"""Add an entry to the register for a certificate file, of which only names and dates are kept."""

from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import User

from connections.actions.register_entries import EntryInput, add_entry
from connections.models import RegisterEntry
from connections.register_certificates import read_certificate
from connections.register_rules import NAME_LENGTH
from history.record import Actor


@dataclass(frozen=True, slots=True)
class CertificateInput:
    """A certificate file. Without a name, the entry is named after the certificate."""

    content: bytes = field(repr=False)
    owner: User
    name: str = ""


def add_certificate(entered: CertificateInput, *, by: Actor, now: datetime) -> RegisterEntry:
    """Add an entry, which expires when the first certificate of the chain does.

    Raises `NotACertificate` and `CannotChangeEntry`.
    """
    facts = read_certificate(entered.content)
    values = EntryInput(
        name=entered.name or facts.name[:NAME_LENGTH],
        kind=RegisterEntry.Kind.CERTIFICATE,
        owner=entered.owner,
        expires_on=facts.soonest_on,
        organization=facts.issuer[:100],
        notes=facts.notes,
    )
    return add_entry(values, by=by, now=now)
