"""Row 7: planning the reminders of a hundred thousand connections."""

from collections.abc import Iterator
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from benchmarks.data import make_connections
from benchmarks.place import peak_memory
from benchmarks.result import Measured, side_by_side
from connections.models import Connection
from connections.notifications.reminders import plan


def measure(*, short: bool) -> Iterator[Measured]:
    """Every token expires within thirty days, which is the worst case."""
    count = 2_000 if short else 100_000
    make_connections(count, ending_within=30)
    User.objects.update(email="someone@example.com")
    today = timezone.localdate()
    Connection.objects.filter(expires_on__lt=today).update(expires_on=today + timedelta(days=3))

    def floor() -> None:
        for _ in Connection.objects.order_by("expires_on", "pk").iterator(500):
            pass

    def planned() -> None:
        sum(1 for _ in plan(today))

    peak = peak_memory()
    select, ours = side_by_side([floor, planned], 1 if short else 3)
    facts = {"one SELECT": select, "planning": ours, "MB added at the peak": peak_memory() - peak}
    yield Measured(
        7,
        f"planning reminders for {count:,} connections",
        "one SELECT of the same rows",
        ours / select,
        3.0,
        facts=facts,
    )
