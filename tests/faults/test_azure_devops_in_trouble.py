"""Azure DevOps is slow, throttles, breaks or is away, for hours and for each organization in another way.

No token is taken for expired, nobody gets a mail but the right one, and recovery is announced once.
"""

from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.faults.azure import organization
from tests.faults.ground import Ground
from tests.faults.machine_clock import MachineClock
from tests.faults.post import PostOffice
from tests.faults.stack import Stack, Stand
from tests.faults.waiting import Stopwatch, measured, until

pytestmark = pytest.mark.faults
# Seconds that one call may take. Nobody dies, and a machine that is busy must not let a lease end.
CALL = 4
SETTINGS = {
    "AZURE_DEVOPS_TASK_TIMEOUT": str(CALL),
    "AUDIT_LEASE_SECONDS": "120",
    "MAIL_LEASE_SECONDS": "120",
    "WORKER_THREADS": "12",
}
# Each brings the next look. The third shows an outage, the fifth comes when it has lasted, the sixth is one more.
LOOKS = [timedelta(minutes=minutes) for minutes in (11, 20, 40)] + [timedelta(hours=7)] * 2
BREAKS: dict[str, dict[str, Any]] = {
    "timed_out": {"kind": "latency", "seconds": 3 * CALL},
    "throttled": {"kind": "throttle", "retry_after": 600},
    "connection_failed": {"kind": "reset"},
    "server_error": {"kind": "status", "status": 503},
    "unexpected_answer": {"kind": "not_json"},
}
DRIPS = {"kind": "drip", "seconds": 0.5}
CUTS = {"kind": "cut"}
BEARABLE: tuple[dict[str, Any], ...] = (
    {"kind": "latency", "seconds": CALL / 8},
    {"kind": "near_limit", "retry_after": 600},
)
TOLD = ["has been unreachable for hours", "works again"]
REFUSED = ["stopped working: Azure DevOps asks for a sign-in", "works again"]
HEALTH = "SELECT organization, health, problem FROM connections_connection"


def test_each_trouble_is_told_once_for_what_it_is(
    ground_of_embedded: Ground, post: PostOffice, stand: Stand, tmp_path: Path
) -> None:
    ground, clock = ground_of_embedded, MachineClock(tmp_path)
    broken = [*BREAKS.values(), DRIPS, CUTS]
    codes = [*BREAKS, "timed_out", "connection_failed"]
    names = [organization(number) for number in range(len(broken) + len(BEARABLE) + 1)]
    refused, unwell, bearable = names[-1], names[: len(broken)], names[len(broken) : -1]
    with stand(ground, clock=clock, settings=SETTINGS) as stack:
        worker = stack.worker()
        stack.start(stack.azure, worker)
        stack.fill("scattered", organizations=names)
        dates = ground.ask("SELECT id, expires_on FROM connections_connection ORDER BY id")
        for name, rule in zip(names, [*broken, *BEARABLE, {"kind": "sign_in_page"}], strict=True):
            stack.misbehave(**rule, organization=name)
        beat = stack.beat()
        stack.start(beat)
        watch = Stopwatch()
        _await_looks(stack, clock)
        first = {name: health for name, health, _ in ground.ask(HEALTH)}
        assert first == dict.fromkeys(names, "healthy") | {refused: "rejected"}
        _live_through(stack, clock, LOOKS)
        worst = {name: (health, problem) for name, health, problem in ground.ask(HEALTH)}
        assert worst == (
            {name: ("unreachable", code) for name, code in zip(unwell, codes, strict=True)}
            | dict.fromkeys(bearable, ("healthy", ""))
            | {refused: ("rejected", "sign_in_required")}
        )
        stack.behave()
        _live_through(stack, clock, [timedelta(hours=7)] * 2)
        took = watch.seconds
        assert {health for _, health, _ in ground.ask(HEALTH)} == {"healthy"}
        assert ground.ask("SELECT id, expires_on FROM connections_connection ORDER BY id") == dates
        told = _told(post)
        assert told == dict.fromkeys(unwell, TOLD) | {
            refused: ["stopped working: Azure DevOps asks for a sign-in", "works again"]
        }
        assert all(part.runs for part in (worker, beat))
    measured("Azure DevOps in trouble", seconds=took, mails=len(post.accepted))


def test_an_azure_devops_that_is_away_altogether_and_comes_back_twice(
    ground_of_servers: Ground, post: PostOffice, stand: Stand, tmp_path: Path
) -> None:
    ground, clock = ground_of_servers, MachineClock(tmp_path)
    names = [organization(number) for number in range(6)]
    with stand(ground, clock=clock, settings=SETTINGS) as stack:
        stack.start(stack.azure, stack.worker())
        stack.fill("scattered", organizations=names)
        dates = ground.ask("SELECT id, expires_on FROM connections_connection ORDER BY id")
        stack.start(stack.beat())
        _await_looks(stack, clock)
        for _ in range(2):
            stack.azure.kill()
            _live_through(stack, clock, [timedelta(hours=7), *LOOKS])
            assert {health for _, health, _ in ground.ask(HEALTH)} == {"unreachable"}
            stack.start(stack.azure)
            _live_through(stack, clock, [timedelta(hours=7)] * 2)
            assert {health for _, health, _ in ground.ask(HEALTH)} == {"healthy"}
        # One that is away for a moment is nobody's news.
        stack.azure.kill()
        _live_through(stack, clock, [timedelta(hours=7)])
        stack.start(stack.azure)
        _live_through(stack, clock, [timedelta(hours=7)])
        assert _told(post) == dict.fromkeys(names, TOLD * 2)
        assert ground.ask("SELECT id, expires_on FROM connections_connection ORDER BY id") == dates


def _live_through(stack: Stack, clock: MachineClock, steps: list[timedelta]) -> None:
    for step in steps:
        clock.advance(step)
        _await_looks(stack, clock)
        # A clock that jumps while a mail is on its way takes it for one whose sender died.
        stack.await_all_sent(within=60)


def _await_looks(stack: Stack, clock: MachineClock) -> None:
    """Until whatever is due by now has been looked at."""
    busy = "connections_connection WHERE leased_until IS NOT NULL OR next_check_at <= %s"
    until(lambda: not stack.ground.count(busy, clock.later()), within=90, saying="what is due is looked at")


def _told(post: PostOffice) -> dict[str, list[str]]:
    """What each organization's people were told, as the words that matter in the order of arrival."""
    found = defaultdict(list)
    for mail in post.accepted:
        found[mail.recipient.partition("@")[0]].append(mail.subject.rpartition('" ')[2])
    return dict(found)
