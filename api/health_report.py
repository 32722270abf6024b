"""The health report, which the project registers here because it is above this app."""

from collections.abc import Callable, Sequence
from typing import Protocol


class Part(Protocol):
    """The state of one part of the product."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def ok(self) -> bool:
        """Whether it works."""

    @property
    def says(self) -> str:
        """Its state as a sentence."""

    @property
    def seconds(self) -> int | None:
        """Seconds since its last heartbeat, if it writes any."""


_reporters: list[Callable[[], Sequence[Part]]] = []


def register(report: Callable[[], Sequence[Part]]) -> None:
    """Called once by the project when it is ready."""
    _reporters[:] = [report]


def parts() -> list[Part]:
    """Every part with its state."""
    return [part for report in _reporters for part in report()]
