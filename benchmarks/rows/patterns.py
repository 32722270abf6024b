"""Row 14: every regular expression of the product on text that is made to be hard for it.

The text is made from the expression itself: what leads to each of its repetitions, then one thing again and again.
"""

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from time import thread_time
from typing import Any, NoReturn

from benchmarks.hard_text import hard_texts
from benchmarks.patterns import Found, every_pattern
from benchmarks.result import Measured

GOAL = 3.0
# Longer than any text that a pattern of the product reads, save lines of the log.
SWEPT, LONGEST = 4_096, 1 << 20
# What takes so many seconds at the length that is swept has no bound.
PATIENCE = 1.0
# Below, the clock says nothing of the pattern.
_TELLING = 0.002
_CANDIDATES, _TIMES = 3, 5
_SHORT_STEP = 20
Text = Callable[[int], str]
Use = Callable[[str], object]


class _TooLong(Exception):
    """The patience is over."""


def measure(*, short: bool) -> Iterator[Measured]:
    """The worst of all, and beside it which one that is. Short, some are tried."""
    found = every_pattern()[:: _SHORT_STEP if short else 1]
    ratios = {one: growth(one, telling=_TELLING / 4 if short else _TELLING) for one in found}
    worst = max(ratios, key=lambda one: ratios[one])
    facts: dict[str, float | int | str] = {"patterns": len(found), "worst": worst.place}
    facts |= {one.place: ratio for one, ratio in ratios.items() if ratio > GOAL}
    work = "a regular expression of the product on a text of twice the length"
    yield Measured(14, work, "the text itself", ratios[worst], GOAL, facts=facts)


def growth(one: Found, *, telling: float = _TELLING) -> float:
    """By how much the time grows when the text is twice as long, for the texts that take the longest.

    Times below `telling`, in seconds, say nothing.
    """
    uses: list[Use] = [_everywhere(one.pattern), *([_of_all(one.pattern)] if one.is_of_all else [])]
    swept = []
    for use, text in product(uses, hard_texts(one.pattern)):
        swept.append((_quickest(use, text(SWEPT), times=1), use, text))
        if swept[-1][0] == float("inf"):
            return float("inf")
    swept.sort(key=lambda one: one[0], reverse=True)
    return max(_growth(use, text, telling) for _, use, text in swept[:_CANDIDATES])


def _everywhere(pattern: re.Pattern[Any]) -> Use:
    """As `search`, `sub` and `split` go through a text, from every place in it."""
    return lambda text: sum(1 for _ in pattern.finditer(_as_read_by(pattern, text)))


def _of_all(pattern: re.Pattern[Any]) -> Use:
    return lambda text: pattern.fullmatch(_as_read_by(pattern, text))


def _as_read_by(pattern: re.Pattern[Any], text: str) -> str | bytes:
    """The text, or its bytes for a pattern of bytes."""
    return text.encode() if isinstance(pattern.pattern, bytes) else text


def _growth(use: Use, text: Text, telling: float) -> float:
    size = SWEPT
    before = _quickest(use, text(size))
    while before < telling and size < LONGEST:
        size *= 2
        before = _quickest(use, text(size))
    if before == float("inf"):
        return before
    found = [_quickest(use, text(2 * size)) / before]
    # A busy machine disturbs a measurement, and never one that is repeated like what grows by itself.
    while min(found) > GOAL and len(found) < _TIMES:
        found.append(_quickest(use, text(2 * size)) / _quickest(use, text(size)))
    return min(found)


def _quickest(use: Use, text: str, *, times: int = _TIMES) -> float:
    """The quickest of several times, in seconds of the processor; infinite when the patience was over."""
    return min(_seconds(use, text) for _ in range(times))


def _seconds(use: Use, text: str) -> float:
    begun = thread_time()
    try:
        with _patience():
            use(text)
    except _TooLong:
        return float("inf")
    return thread_time() - begun


@contextmanager
def _patience() -> Iterator[None]:
    def over(*_: object) -> NoReturn:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
