"""Ask soon whether a leaked token is dead: the scheduler may come to it seconds later.

The app registers what enqueues the question, as actions cannot import tasks.
"""

from collections.abc import Callable
from functools import partial

from django.db import transaction

from connections.models import LeakedToken

Enqueue = Callable[[int], None]
_enqueuers: list[Enqueue] = []


def register(enqueue: Enqueue) -> None:
    """Call `enqueue` with the id of a leaked token that is to be asked about soon."""
    if enqueue not in _enqueuers:
        _enqueuers.append(enqueue)


def ask_soon(leak: LeakedToken) -> None:
    """Enqueue the next question when the caller's transaction is committed. If that fails, the scheduler asks."""
    for enqueue in _enqueuers:
        transaction.on_commit(partial(enqueue, leak.pk), robust=True)
