"""Real SMTP servers on loopback: one that behaves as told, and ones that speak too slowly or not at all."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage, Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from aiosmtpd.smtp import AuthResult, LoginPassword
from pytest_django import Settings

HOST = "127.0.0.1"


class Inbox(MessageHandler):
    """Keeps what arrives. `refusals` are answers to RCPT by address, `after_data` one to the whole mail.

    One that `vanishes` keeps a mail and is gone before it says so.
    """

    def __init__(self) -> None:
        super().__init__(message_class=EmailMessage)
        self.mails: list[Message] = []
        self.refusals: dict[str, str] = {}
        self.after_data = ""
        self.vanishes = False

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.after_data:
            return self.after_data
        answer = str(await super().handle_DATA(server, session, envelope))
        if self.vanishes:
            server.transport.abort()
        return answer

    def handle_message(self, message: Message) -> None:
        self.mails.append(message)

    @property
    def recipients(self) -> list[str]:
        """To whom mails came, in order."""
        return [str(one["To"]) for one in self.mails]


def free_port() -> int:
    with socket.create_server((HOST, 0)) as finder:
        return int(finder.getsockname()[1])


@contextmanager
def running(**options: Any) -> Iterator[tuple[Inbox, int]]:
    """An inbox and its port. `options` are those of aiosmtpd's controller and server."""
    inbox, port = Inbox(), free_port()
    server = Controller(inbox, hostname=HOST, port=port, **options)
    server.start()
    try:
        yield inbox, port
    finally:
        server.stop()


def takes(user: str, password: str) -> Callable[..., AuthResult]:
    """An authenticator that knows one person."""

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        known = isinstance(given, LoginPassword) and (given.login, given.password) == (
            user.encode(),
            password.encode(),
        )
        return AuthResult(success=known, handled=False)

    return check


@contextmanager
def silent(say: bytes = b"", *, every: float = 0.0) -> Iterator[int]:
    """The port of a server that accepts and then says nothing, or one byte of `say` every so many seconds."""
    ended = threading.Event()

    def serve(listener: socket.socket) -> None:
        opened = []
        while not ended.is_set():
            try:
                peer, _ = listener.accept()
            except OSError:
                break
            opened.append(peer)
            for byte in say:
                if ended.wait(every):
                    break
                try:
                    peer.sendall(bytes([byte]))
                except OSError:
                    break
        for peer in opened:
            peer.close()

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            ended.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=5)


def use(settings: Settings, port: int, **more: Any) -> None:
    """Let the product send by SMTP to this port."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = HOST, port
    for name, value in more.items():
        setattr(settings, name, value)
