"""The clock rings everything at a start, survives a jump back and a broker that is away, and says so."""

from datetime import timedelta
from time import sleep, time

import pytest
from celery import Celery
from django.db import connection as database
from django.utils import timezone
from redis import Redis

from connections.models import LeakedToken, Mail, NotificationChannel
from core.models import Heartbeat
from delivery.models import PollSubscription, Project
from orchestrator import beat_schedule, beat_scheduler, celery_settings
from orchestrator.beat_scheduler import BeatScheduler
from tests.factories import ConnectionFactory
from tests.orchestrator.conftest import Broker

pytestmark = pytest.mark.django_db(transaction=True)


def app(url: str, **more: dict[str, object]) -> Celery:
    made = Celery("clock-test", broker=url, set_as_current=False)
    made.conf.update(
        beat_schedule={
            "hourly": {"task": "first", "schedule": 3600.0},
            "nightly": {"task": "second", "schedule": "3:20"},
            **more,
        },
        broker_transport_options=celery_settings.SETTINGS["CELERY_BROKER_TRANSPORT_OPTIONS"],
        task_publish_retry=False,
        beat_max_loop_interval=15,
    )
    return made


# The product's key prefix, and the queue of this application.
KEY = "mfe-orchestrator:celery"


def rung(broker: Broker) -> int:
    with Redis.from_url(broker.url.replace("redis+socket://", "unix://")) as client:
        return int(client.llen(KEY))


def ring_all(beat: BeatScheduler) -> float:
    """Enqueue what is due; the seconds until something else is."""
    while (wait := beat.tick()) == 0:
        pass
    return wait


def test_everything_is_rung_once_at_a_start(running_broker: Broker) -> None:
    beat = BeatScheduler(app(running_broker.url))
    ring_all(beat)
    assert rung(running_broker) == 2
    ring_all(beat)
    assert rung(running_broker) == 2
    beat.close()


def test_a_clock_that_has_slept_until_a_task_is_due_rings_it_at_once(running_broker: Broker) -> None:
    beat = BeatScheduler(app(running_broker.url, often={"task": "third", "schedule": 2.0}))
    wait = ring_all(beat)
    before = rung(running_broker)
    sleep(wait)
    assert beat.tick() == 0
    assert rung(running_broker) == before + 1
    beat.close()


def test_every_task_of_which_the_scheduler_asks_whether_it_has_work_is_in_the_schedule() -> None:
    assert beat_scheduler.MAY_HAVE_WORK.keys() <= {entry["task"] for entry in beat_schedule.SCHEDULE.values()}


def ring_again(beat: BeatScheduler, broker: Broker) -> int:
    """How many tasks are rung when all are due."""
    before = rung(broker)
    beat._make_everything_due()
    ring_all(beat)
    return rung(broker) - before


def test_leaked_tokens_are_rung_only_while_one_is_to_be_told_of_or_asked_about(running_broker: Broker) -> None:
    task: dict[str, object] = {"task": "connections.tasks.prove_leaks_due", "schedule": 3600.0}
    beat = BeatScheduler(app(running_broker.url, leaks=task))
    now = timezone.now()
    leak = LeakedToken.objects.create(fingerprint="f", declared_at=now, notified_at=now)
    assert ring_again(beat, running_broker) == 2
    LeakedToken.objects.filter(pk=leak.pk).update(next_ask_at=now + timedelta(hours=1))
    assert ring_again(beat, running_broker) == 3
    LeakedToken.objects.filter(pk=leak.pk).update(next_ask_at=None, notified_at=None)
    assert ring_again(beat, running_broker) == 3
    beat.close()


def test_messages_to_channels_are_rung_only_while_one_is_to_be_sent(running_broker: Broker) -> None:
    task: dict[str, object] = {"task": "connections.tasks.deliver_due", "schedule": 3600.0}
    beat = BeatScheduler(app(running_broker.url, channels=task))
    now = timezone.now()
    mail = Mail.objects.create(kind="test", recipient="ops@example.com", created_at=now, due_at=now)
    assert ring_again(beat, running_broker) == 2
    Mail.objects.filter(pk=mail.pk).update(channel_kind=NotificationChannel.Kind.WEBHOOK)
    assert ring_again(beat, running_broker) == 3
    Mail.objects.filter(pk=mail.pk).update(sent_at=now)
    assert ring_again(beat, running_broker) == 2
    beat.close()


POLLING: dict[str, object] = {"task": "delivery.tasks.poll_due", "schedule": 3600.0}


def test_polling_is_rung_only_while_something_is_to_be_polled(running_broker: Broker) -> None:
    beat = BeatScheduler(app(running_broker.url, polling=POLLING))
    ring_all(beat)
    assert rung(running_broker) == 2

    now = timezone.now()
    project = Project.objects.create(connection=ConnectionFactory.create(), azure_id="p", name="P", seen_at=now)
    PollSubscription.objects.create(project=project, kind="builds", watched_until=now + timedelta(hours=1), next_at=now)
    assert ring_again(beat, running_broker) == 3
    beat.close()


def test_polling_is_rung_when_the_database_does_not_say_whether_there_is_anything(running_broker: Broker) -> None:
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE delivery_watch RENAME TO elsewhere")
    try:
        beat = BeatScheduler(app(running_broker.url, polling=POLLING))
        ring_all(beat)
    finally:
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO delivery_watch")
    assert rung(running_broker) == 3
    beat.close()


def test_a_clock_that_was_set_back_does_not_wait_for_the_old_time(
    running_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = BeatScheduler(app(running_broker.url))
    ring_all(beat)
    before = time()
    monkeypatch.setattr(beat_scheduler, "time", lambda: before - 86400)
    ring_all(beat)
    assert rung(running_broker) == 4
    beat.close()


def test_a_tick_leaves_a_sign_of_life(running_broker: Broker) -> None:
    beat = BeatScheduler(app(running_broker.url))
    ring_all(beat)
    assert Heartbeat.objects.get().part == Heartbeat.Part.SCHEDULER
    beat.close()


def test_a_lost_broker_is_said_once_and_recorded_and_so_is_its_return(
    running_broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    beat = BeatScheduler(app(running_broker.url))
    ring_all(beat)
    running_broker.stop()
    beat._make_everything_due()
    ring_all(beat)
    assert Heartbeat.objects.get().broker_lost_at is not None
    assert caplog.text.count("The broker cannot be reached") == 1

    running_broker.start()
    beat._make_everything_due()
    ring_all(beat)
    assert Heartbeat.objects.get().broker_lost_at is None
    assert rung(running_broker) >= 2
    beat.close()


def test_a_clock_that_starts_without_a_broker_ticks_all_the_same(running_broker: Broker) -> None:
    running_broker.stop()
    beat = BeatScheduler(app(running_broker.url))
    ring_all(beat)
    assert Heartbeat.objects.get().broker_lost_at is not None
    beat.close()
