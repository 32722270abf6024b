"""The end of the chain of seals."""

from dataclasses import dataclass

from history import seals
from history.models import Checkpoint, Seal


@dataclass(frozen=True, slots=True)
class End:
    """The end of the sealed events. Number 0 means that nothing is sealed and nothing was pruned."""

    number: int = 0
    last_id: int = seals.NO_ID
    mac: str = ""

    @classmethod
    def of(cls, seal: Seal) -> "End":
        """The end after this seal."""
        return cls(seal.number, seal.last_id, seal.mac)

    @property
    def anchor(self) -> str:
        """`NUMBER:SEAL`, to keep outside the database; empty if nothing is sealed."""
        return f"{self.number}:{self.mac}" if self.number else ""


def end_of_seals() -> End:
    """The end after the newest seal, or after the checkpoint if every sealed event was pruned."""
    newest = Seal.objects.order_by("-number").values_list("number", "last_id", "mac").first()
    if newest is not None:
        return End(*newest)
    checkpoint = Checkpoint.objects.order_by("pk").first()
    return End(checkpoint.number, checkpoint.last_id, checkpoint.seal) if checkpoint else End()
