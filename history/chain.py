"""Where the chain of seals ends."""

from dataclasses import dataclass

from history import seals
from history.models import Checkpoint, Seal


@dataclass(frozen=True, slots=True)
class End:
    """Where the sealed part of the history ends. Number 0 means that nothing is sealed and nothing was pruned."""

    number: int = 0
    last_id: int = seals.NO_ID
    mac: str = ""

    @property
    def anchor(self) -> str:
        """`NUMBER:SEAL`, to be kept outside the database; empty when nothing is sealed."""
        return f"{self.number}:{self.mac}" if self.number else ""


def end_of_seals() -> End:
    """The newest seal, or the checkpoint when every sealed event was pruned."""
    newest = Seal.objects.order_by("-number").values_list("number", "last_id", "mac").first()
    if newest is not None:
        return End(*newest)
    checkpoint = Checkpoint.objects.order_by("pk").first()
    return End(checkpoint.number, checkpoint.last_id, checkpoint.seal) if checkpoint else End()
