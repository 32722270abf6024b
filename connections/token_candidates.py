"""Which of its owner's entries in Azure DevOps a stored token may be: none that is known to be another stored token."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from connections.domain import renewal as rules
from connections.domain.renewal import Candidate
from connections.models import KnownToken
from connections.providers.azure_devops.personal_tokens import TokenEntry


def tokens_by_entry(entries: Iterable[str]) -> dict[str, str]:
    """The fingerprints of the stored tokens that these entries are known to be, by the ids of the entries."""
    known = KnownToken.objects.filter(authorization_id__in=list(entries))
    return dict(known.values_list("authorization_id", "fingerprint"))


def candidates_for(
    fingerprint: str,
    entries: Collection[TokenEntry],
    *,
    verdicts: Mapping[str, str],
    expires_on: date | None,
    known: Mapping[str, str] | None = None,
) -> list[Candidate]:
    """What the token with this fingerprint may be, best first. `known` is what `tokens_by_entry` says.

    `verdicts` are those of the capabilities that it was tested for; without any, only the date is compared.
    """
    if known is None:
        known = tokens_by_entry(entry.id for entry in entries)
    others = [entry for entry, token in known.items() if token != fingerprint]
    scopes = rules.needed_scopes(verdicts) if verdicts else ()
    return rules.candidates(entries, scopes=scopes, expires_on=expires_on, excluded=others)
