"""A real SMTP server on loopback that remembers what it accepted, can be away, and knows the moment of acceptance."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from orchestrator.free_ports import HOST, free_near


@dataclass(frozen=True)
class Accepted:
    """One mail that the server said yes to."""

    message_id: str
    recipient: str
    subject: str


class PostOffice:
    """Listens at `url` while it is open. `at_acceptance` is called after a mail is kept and before it is confirmed."""

    def __init__(self) -> None:
        # It tells the log of each connection.
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        self.port = free_near(0)
        self.url = f"smtp://{HOST}:{self.port}"
        self.at_acceptance: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._accepted: list[Accepted] = []
        self._controller: Controller | None = None

    def open(self) -> None:
        """Begin to listen."""
        self._controller = Controller(self, hostname=HOST, port=self.port)
        self._controller.start()

    def close(self) -> None:
        """Listen no more."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """aiosmtpd's hook: the whole mail is here."""
        mail = message_from_bytes(envelope.content, policy=default)
        accepted = [Accepted(mail["Message-ID"], one, mail["Subject"]) for one in envelope.rcpt_tos]
        with self._lock:
            self._accepted += accepted
        self.at_acceptance()
        return "250 OK"

    @property
    def accepted(self) -> list[Accepted]:
        """Everything so far, duplicates included."""
        with self._lock:
            return list(self._accepted)

    def duplicates(self) -> Counter[str]:
        """How often more than once, by Message-ID."""
        counted = Counter(one.message_id for one in self.accepted)
        return Counter({message_id: times - 1 for message_id, times in counted.items() if times > 1})

    def about(self, words: str) -> list[Accepted]:
        """Those whose subject has `words`."""
        return [one for one in self.accepted if words in one.subject]
