"""The health of the product, which the project above this app knows how to find out."""

from collections.abc import Callable, Sequence
from typing import Protocol


class Part(Protocol):
    """One part of the product: whether it works, in words, and the age of its last sign of life."""

    @property
    def name(self) -> str:
        """What it is."""

    @property
    def ok(self) -> bool:
        """Whether it does its work."""

    @property
    def says(self) -> str:
        """Its state in words."""

    @property
    def seconds(self) -> int | None:
        """The age of its last sign of life, where it leaves any."""


_reporters: list[Callable[[], Sequence[Part]]] = []


def register(report: Callable[[], Sequence[Part]]) -> None:
    """Called once by the project when it is ready."""
    _reporters[:] = [report]


def parts() -> list[Part]:
    """Every part with its state."""
    return [part for report in _reporters for part in report()]
