"""Workers are killed while they audit and send: everything is done all the same, and nothing twice but what must be."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from time import monotonic, sleep

import pytest

from tests.faults.ground import Ground
from tests.faults.messages import Sender, sender
from tests.faults.parts import Part
from tests.faults.post import PostOffice
from tests.faults.stack import Stack, Stand
from tests.faults.waiting import Stopwatch, measured, until

pytestmark = pytest.mark.faults
CONNECTIONS, ENDING, KILLS = 300, 100, 20
LATENCY = 0.05  # seconds
REQUESTS = 10  # of an audit
AUDITED = "connections_auditedconnection WHERE state = 'done'"
FINISHED = "connections_auditrun WHERE by_hand AND finished_at IS NOT NULL"
REMINDERS = "connections_mail WHERE kind = 'expiring'"


def test_twenty_killed_workers_lose_nothing(
    ground: Ground, post: PostOffice, stand: Stand, chance: random.Random
) -> None:
    with stand(ground, latency=LATENCY, settings={"AUDITS_AT_ONCE": "12"}) as stack:
        workers = [stack.worker(number) for number in ((1, 2) if ground.name == "servers" else (1,))]
        stack.start(stack.azure, *workers)
        # Each was said to be refused and is found to be well: one mail each, in the audit's own transaction.
        stack.fill("connections", count=CONNECTIONS, ending=ENDING, reported="rejected")
        stack.fill("run")
        watch = Stopwatch()
        stack.start(stack.beat())
        with sender(ground.broker.url) as messages:
            deaths = _kill_again_and_again(stack, workers, messages, chance)
        during = ground.count(AUDITED)
        until(lambda: ground.count(AUDITED) == CONNECTIONS, within=300, saying="every connection is audited")
        until(lambda: ground.count(FINISHED) == 1, within=30, saying="the run ends")
        until(lambda: ground.count(REMINDERS) == ENDING, within=120, saying="all are reminded")
        stack.await_all_sent(within=300)
        took = watch.seconds
        _everything_is_there(ground, post)
        twice = stack.mails_twice()
    events = ground.count("history_event WHERE kind = 'connection.tested'")
    measured(
        f"{KILLS} killed workers on {ground.name}",
        seconds_until_all_was_done=took,
        audited_while_killing=during,
        audits=events,
        **{f"deaths_{when}": times for when, times in deaths.items()},
        mails_twice=twice,
    )
    assert deaths["before_the_end"] >= KILLS / 2, "the kills were not during the audit"
    assert deaths["amid_audits"] > 0
    assert deaths["amid_batches"] > 0
    assert deaths["at_acceptance"] > 0
    assert twice <= KILLS


def _kill_again_and_again(stack: Stack, workers: list[Part], messages: Sender, chance: random.Random) -> Counter[str]:
    """How often each kind of moment came.

    A quarter of the kills each come at any moment; when the mail server has said yes and the worker does not know it;
    when audits are under way, so that some have ended in this life of the worker and others are waiting for answers;
    and in the middle of a batch, which is asked and not written. Each life finds a message, as from a scheduler.
    """
    met: Counter[str] = Counter()
    for number in range(KILLS):
        victim = chance.choice(workers)
        victim.await_ready()
        messages.ask("connections.tasks.audit_due")
        met["before_the_end"] += stack.ground.count(AUDITED) < CONNECTIONS
        if number % 4 == 0:
            met["amid_batches"] += _kill_amid_a_batch(stack, victim)
        elif number % 4 == 1:
            met["at_acceptance"] += _kill_at_acceptance(stack.post, victim, mails=chance.randrange(1, 6))
        elif number % 4 == 2:
            met["amid_audits"] += _await_audits(stack, more=chance.randrange(1, 9))
        else:
            sleep(chance.uniform(0, 1.5))  # the moment itself; nothing is waited for
        victim.kill()
        victim.start()
    return met


def _kill_amid_a_batch(stack: Stack, victim: Part) -> bool:
    """Kill the worker when audits have ended that can't be written. Whether that moment came."""
    idle, deadline = stack.answered(), monotonic() + 20
    # Held only now, as a claim is a transaction too.
    _await(lambda: stack.answered() > idle, deadline)
    with stack.ground.batches_held() as is_waiting:
        held = stack.answered()
        came = _await(lambda: stack.answered() >= held + REQUESTS / 2 and is_waiting(), deadline)
        # Those that began at the same time end too.
        sleep(4 * LATENCY)
        victim.kill()
    return came


def _await(look: Callable[[], bool], deadline: float) -> bool:
    """Whether it comes true before the deadline."""
    while not (seen := look()) and monotonic() < deadline:
        sleep(0.05)
    return seen


def _await_audits(stack: Stack, *, more: int) -> bool:
    """Whether so many more connections were audited in time, and others are asking Azure DevOps at this moment."""
    enough = stack.ground.count(AUDITED) + more
    deadline = monotonic() + 30
    while (audited := stack.ground.count(AUDITED)) < enough and monotonic() < deadline:
        sleep(0.05)
    answered = stack.answered()
    sleep(2 * LATENCY)
    return audited >= enough and stack.answered() > answered


def _kill_at_acceptance(post: PostOffice, victim: Part, *, mails: int) -> bool:
    """Whether so many mails came that it could be done."""
    killed = threading.Event()
    countdown = iter(range(mails - 1, -1, -1))

    def accepted() -> None:
        if next(countdown, None) == 0:
            victim.kill()
            killed.set()

    post.at_acceptance = accepted
    done = killed.wait(timeout=15)
    post.at_acceptance = lambda: None
    return done


def _everything_is_there(ground: Ground, post: PostOffice) -> None:
    assert ground.count("connections_connection WHERE health = 'healthy'") == CONNECTIONS
    assert ground.count("connections_mail WHERE kind = 'recovered'") == CONNECTIONS
    assert ground.count("connections_mail") == CONNECTIONS + ENDING
    ours = {message_id for (message_id,) in ground.ask("SELECT message_id FROM connections_mail")}
    assert {one.message_id for one in post.accepted} == ours
