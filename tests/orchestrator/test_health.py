"""What is said of each part, by its last sign of life."""

from datetime import UTC, datetime, timedelta

import pytest

from core.models import Heartbeat
from orchestrator import health

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SCHEDULER, WORKER = Heartbeat.Part.SCHEDULER, Heartbeat.Part.WORKER


def signs(**ages: timedelta) -> dict[str, Heartbeat]:
    return {part: Heartbeat(part=part, seen_at=NOW - age) for part, age in ages.items()}


def titles(found: dict[str, Heartbeat]) -> list[str]:
    return [alarm.title for alarm in health.alarms(found, now=NOW)]


def test_there_is_no_alarm_while_clock_and_worker_are_seen() -> None:
    assert titles(signs(clock=timedelta(seconds=30), worker=timedelta(seconds=200))) == []


def test_a_silent_clock_is_named_and_explains_the_silent_worker() -> None:
    both_silent = signs(clock=timedelta(minutes=12), worker=timedelta(minutes=12))
    assert titles(both_silent) == ["The scheduler has not run for 12 minutes."]


def test_a_silent_worker_is_named_when_the_clock_ticks() -> None:
    assert titles(signs(clock=timedelta(), worker=timedelta(hours=3))) == ["No worker has done anything for 3 hours."]


def test_parts_that_were_never_seen_are_named() -> None:
    assert titles({}) == ["The scheduler has never run."]
    assert titles(signs(clock=timedelta())) == ["No worker has ever done anything."]


def test_a_lost_broker_explains_the_silent_worker() -> None:
    found = signs(clock=timedelta(), worker=timedelta(minutes=9))
    found[SCHEDULER].broker_lost_at = NOW - timedelta(minutes=9)
    assert titles(found) == ["The broker has been unreachable for 9 minutes."]


def test_a_broker_lost_a_moment_ago_is_a_restart_and_no_news() -> None:
    found = signs(clock=timedelta(), worker=timedelta(minutes=9))
    found[SCHEDULER].broker_lost_at = NOW - timedelta(seconds=20)
    assert titles(found) == []


def test_every_alarm_says_what_it_means_and_what_helps() -> None:
    (alarm,) = health.alarms({}, now=NOW)
    assert alarm.meaning == "Audits, reminders and mails are waiting; nothing is lost."
    assert "beat" in alarm.remedy


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    """The report asks a broker too, and these tests have none."""
    monkeypatch.setattr("orchestrator.embedded_broker.answers", lambda _url: False)


def said_of_loop(part: Heartbeat.Part, **ages: timedelta) -> health.Part:
    """What /readyz says of a part that was seen at work right now, with a loop of these ages."""
    at = {name: NOW - age for name, age in ages.items()}
    Heartbeat.objects.create(part=part, seen_at=NOW, **at)
    return next(found for found in health.report(now=NOW) if found.name == part.value)


@pytest.mark.usefixtures("no_broker")
@pytest.mark.parametrize(
    ("part", "words"),
    [
        (WORKER, "No worker has been ready for work for 50 seconds."),
        (SCHEDULER, "The scheduler has not run for 50 seconds."),
    ],
)
def test_a_loop_that_is_not_known_to_turn_is_said_within_a_minute(part: Heartbeat.Part, words: str) -> None:
    found = said_of_loop(part, loop_seen_at=timedelta(seconds=50))
    assert (found.ok, found.says) == (False, words)


@pytest.mark.usefixtures("no_broker")
@pytest.mark.parametrize("part", [WORKER, SCHEDULER])
def test_one_of_several_processes_that_stands_still_is_said(part: Heartbeat.Part) -> None:
    found = said_of_loop(part, loop_seen_at=timedelta(), stalled_at=timedelta(seconds=5))
    assert not found.ok
    assert "is stuck. It will exit automatically soon" in found.says


@pytest.mark.usefixtures("no_broker")
def test_a_process_that_stood_still_and_ended_is_no_news_any_more() -> None:
    assert said_of_loop(WORKER, loop_seen_at=timedelta(), stalled_at=timedelta(seconds=20)).ok


@pytest.mark.usefixtures("no_broker")
def test_processes_of_an_older_version_tell_nothing_of_their_loops() -> None:
    assert said_of_loop(WORKER).ok


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=0), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=59), "59 seconds"),
        (timedelta(seconds=60), "1 minute"),
        (timedelta(minutes=119), "119 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(days=31), "31 days"),
    ],
)
def test_ages_are_spoken(age: timedelta, words: str) -> None:
    assert health.duration_in_words(age) == words


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_an_answer_is_remembered_for_five_seconds() -> None:
    hand, asked = Hand(), []
    remembered = health.Cached(lambda: asked.append(1), hand)
    remembered()
    hand.at += 4.9
    remembered()
    assert len(asked) == 1
    hand.at += 0.2
    remembered()
    assert len(asked) == 2


@pytest.mark.django_db
def test_a_web_process_gives_the_others_time_to_start_before_it_complains() -> None:
    hand = Hand()
    watch = health.AlarmMonitor(hand)
    hand.at += health.GRACE.total_seconds() - 1
    assert watch.alarms(now=NOW) == []
    hand.at += 1
    assert [alarm.title for alarm in watch.alarms(now=NOW)] == ["The scheduler has never run."]
