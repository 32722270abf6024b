"""Notify the contacts of what an import renewed: each in one mail, after all lines were imported."""

from collections import defaultdict
from datetime import datetime

from connections.models import RegisterEntry, RegisterImport
from connections.notifications import consumer_mail, notify

# Contacts that are notified in a transaction.
_AT_ONCE = 200


def write_some(current: RegisterImport, *, now: datetime) -> bool:
    """Write the mails to some of the contacts who have none yet. Returns whether there were any."""
    renewed = _renewed_for(current)
    waiting = sorted(contact for contact in renewed if contact > current.notified_to)[:_AT_ONCE]
    if not waiting:
        return False
    everybody = notify.Recipients()
    for contact in waiting:
        if everybody.has_left(contact):
            continue
        consumer_mail.import_renewed(contact, renewed[contact], now=now)
    current.notified_to = waiting[-1]
    current.save()
    return True


def _renewed_for(current: RegisterImport) -> dict[str, list[int]]:
    """The ids of the renewed entries, by the contact in lower case of what uses them."""
    renewed: dict[str, dict[int, None]] = defaultdict(dict)
    for ids in current.batches.values_list("renewed", flat=True):
        used = RegisterEntry.objects.filter(pk__in=ids, consumers__contact__gt="").order_by("pk", "consumers")
        for entry_id, contact in used.values_list("pk", "consumers__contact") if ids else ():
            renewed[contact.casefold()][entry_id] = None
    return {contact: list(ids) for contact, ids in renewed.items()}
