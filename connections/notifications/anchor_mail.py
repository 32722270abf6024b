"""The weekly mail to administrators with the history anchor, so that a copy exists outside the database."""

import logging
from datetime import datetime

from django.db import IntegrityError, transaction

from connections.notifications import notify
from history import weekly_anchor
from history.weekly_anchor import WeeklyAnchor

log = logging.getLogger(__name__)
KIND = "history_anchor"


def mail_weekly_anchor(*, now: datetime) -> int:
    """Write this week's mails, unless they exist already. Returns how many.

    Without an administrator who has a mail address, nothing is written or recorded, and the mails stay due.
    """
    people = notify.administrators()
    weekly = weekly_anchor.due(now=now) if people else None
    if weekly is None:
        return 0
    try:
        with transaction.atomic():
            weekly_anchor.note_sent(weekly, people=len(people), now=now)
            return len(notify.enqueue_mail(KIND, people, _context(weekly), about=[], now=now))
    except IntegrityError:
        log.info("Another worker wrote the mails with this week's anchor first.")
        return 0


def _context(weekly: WeeklyAnchor) -> dict[str, object]:
    return {"weekly": weekly, "history_url": notify.page("history:all")}
