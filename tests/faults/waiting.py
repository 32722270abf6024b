"""Waiting for what must come true, and saying what it took."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")
MEASURED = "measured: "


def until(look: Callable[[], T], *, within: float, saying: str, every: float = 0.1) -> T:
    """What `look` shows once it is true. Fails after `within` seconds with `saying` and what it showed last."""
    deadline = monotonic() + within
    while True:
        seen = look()
        if seen:
            return seen
        assert monotonic() < deadline, f"After {within:g} s it was still not so that {saying}; last seen: {seen!r}"
        sleep(every)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = monotonic()

    @property
    def seconds(self) -> float:
        """So far."""
        return monotonic() - self._began


def measured(what: str, **figures: object) -> None:
    """Print what a test found, one line for whoever reads the run."""
    shown = ", ".join(
        f"{name.replace('_', ' ')} {value:.1f}" if isinstance(value, float) else f"{name.replace('_', ' ')} {value}"
        for name, value in figures.items()
    )
    print(f"\n{MEASURED}{what}: {shown}")
