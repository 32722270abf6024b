"""The loop of a worker or clock stands still: it is told of, and the process says where it stood and ends."""

from pathlib import Path
from time import sleep

import pytest
import requests

from tests.faults.ground import Ground
from tests.faults.parts import Part
from tests.faults.stack import Stack, Stand
from tests.faults.waiting import until
from tests.faults.words import BUSY_VARIABLE, STAND_STILL_VARIABLE

pytestmark = pytest.mark.faults
# Seconds. Long enough for a machine that is busy with other tests.
LIMIT = 12
# The same, where a process that ends is a failure: other tests may keep both cores busy for long.
LONG_LIMIT = 30


@pytest.mark.parametrize("name", ["worker", "clock"])
def test_a_loop_that_waits_for_ever_is_told_of_and_ended(
    ground_of_embedded: Ground, stand: Stand, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "stand-still"
    settings = {STAND_STILL_VARIABLE: str(file), "LOOP_LIMIT_SECONDS": str(LIMIT)}
    with stand(ground_of_embedded, settings=settings) as stack:
        worker, beat, web = stack.worker(), stack.beat(), stack.web()
        stack.start(worker, beat, web)
        until(lambda: is_well(stack, name), within=60, saying="everything is seen at work", every=1)

        file.write_text("waiting")
        until(lambda: "is stuck" in says(stack, name), within=2 * LIMIT, saying="/readyz tells of it")
        victim, called = {"worker": (worker, "worker"), "clock": (beat, "scheduler")}[name]
        until(lambda: not victim.runs, within=2 * LIMIT, saying="the process has ended")
        said = victim.says_in_this_life()
        assert f"The loop of the {called} has been stuck for 0:00:1" in said
        assert "Thread MainThread" in said
        assert "in _hold_up_the_loop" in said

        file.unlink()
        stack.start(victim)
        until(lambda: is_well(stack, name), within=60, saying="a new life works", every=1)


def is_well(stack: Stack, name: str) -> bool:
    try:
        return bool(part_of(stack, name)["ok"])
    except requests.ConnectionError:
        return False


def says(stack: Stack, name: str) -> str:
    answer = part_of(stack, name)
    return "" if answer["ok"] else str(answer["says"])


def part_of(stack: Stack, name: str) -> dict[str, object]:
    answer = requests.get(f"{stack.web_url}/readyz", timeout=20).json()
    found: dict[str, object] = next(part for part in answer["parts"] if part["name"] == name)
    return found


def test_a_worker_that_never_lets_go_of_the_interpreter_is_ended(
    ground_of_embedded: Ground, stand: Stand, tmp_path: Path
) -> None:
    file = tmp_path / "stand-still"
    settings = {STAND_STILL_VARIABLE: str(file), "LOOP_LIMIT_SECONDS": str(LIMIT)}
    with stand(ground_of_embedded, settings=settings) as stack:
        worker = stack.worker()
        stack.start(worker)
        file.write_text("holding")
        until(lambda: not worker.runs, within=4 * LIMIT, saying="the process has ended")
        assert "in _hold_up_the_loop" in worker.says_in_this_life()


def test_a_worker_with_long_tasks_or_without_a_broker_is_left_alone(ground_of_embedded: Ground, stand: Stand) -> None:
    with stand(ground_of_embedded, settings={BUSY_VARIABLE: "1", "LOOP_LIMIT_SECONDS": str(LONG_LIMIT)}) as stack:
        worker = stack.worker()
        stack.start(worker)
        assert_lives_on(worker)
        ground_of_embedded.broker.stop()
        assert_lives_on(worker)
        ground_of_embedded.broker.start()
        assert_lives_on(worker)


def assert_lives_on(worker: Part) -> None:
    # With the backstop's respite.
    sleep(1.5 * LONG_LIMIT)
    said = worker.said()
    assert worker.runs, said[max(0, said.find("has been stuck") - 200) :][:6000]
