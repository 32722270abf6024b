"""Real SMTP servers on loopback: one that behaves as told, and ones that speak too slowly or not at all."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage, Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from pytest_django import Settings

HOST = "127.0.0.1"


class Inbox(MessageHandler):
    """Keeps what arrives. `refusals` are answers to RCPT by address, `after_data` one to the whole mail.

    `replies` are answers to commands by name, and of `CONNECT` the greeting; "421" ends the connection, as it does
    everywhere. One that `vanishes` keeps a mail and is gone before it says so, one that `drops_after` so many mails
    ends the connection then. `connections` counts those that were made.
    """

    def __init__(self) -> None:
        super().__init__(message_class=EmailMessage)
        self.mails: list[Message] = []
        self.refusals: dict[str, str] = {}
        self.after_data = ""
        self.replies: dict[str, str] = {}
        self.vanishes = False
        self.drops_after = 0
        self.connections = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        answer = self.refusals.get(address, "250 OK")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.after_data:
            return self.after_data
        answer = str(await super().handle_DATA(server, session, envelope))
        if self.vanishes:
            server.transport.abort()
        if self.drops_after and len(self.mails) % self.drops_after == 0:
            await server.push(answer)
            server.transport.close()
        return answer

    def handle_message(self, message: Message) -> None:
        self.mails.append(message)

    @property
    def recipients(self) -> list[str]:
        """To whom mails came, in order."""
        return [str(one["To"]) for one in self.mails]


class Server(SMTP):
    """aiosmtpd's server, with the greeting and the answers that its inbox gives in place of its own."""

    @property
    def inbox(self) -> Inbox:
        """Whose answers these are."""
        assert isinstance(self.event_handler, Inbox)
        return self.event_handler

    def connection_made(self, transport: Any) -> None:
        self.inbox.connections += 1
        super().connection_made(transport)

    async def push(self, status: Any) -> None:
        words = status if isinstance(status, str) else status.decode()
        if words.startswith("220 ") and "CONNECT" in self.inbox.replies:
            words = self.inbox.replies["CONNECT"]
        await super().push(words)
        if words.startswith("421") and self.transport is not None:
            self.transport.close()

    async def _instead(self, command: str, given: Any) -> None:
        if command in self.inbox.replies:
            await self.push(self.inbox.replies[command])
        else:
            await getattr(super(), f"smtp_{command}")(given)

    async def smtp_EHLO(self, given: Any) -> None:  # noqa: N802
        await self._instead("EHLO", given)

    async def smtp_HELO(self, given: Any) -> None:  # noqa: N802
        await self._instead("HELO", given)

    async def smtp_STARTTLS(self, given: Any) -> None:  # noqa: N802
        await self._instead("STARTTLS", given)

    async def smtp_AUTH(self, given: Any) -> None:  # noqa: N802
        await self._instead("AUTH", given)

    async def smtp_MAIL(self, given: Any) -> None:  # noqa: N802
        await self._instead("MAIL", given)

    async def smtp_DATA(self, given: Any) -> None:  # noqa: N802
        await self._instead("DATA", given)


class _Controller(Controller):
    def factory(self) -> Server:
        return Server(self.handler, **self.SMTP_kwargs)


def free_port() -> int:
    with socket.create_server((HOST, 0)) as finder:
        return int(finder.getsockname()[1])


@contextmanager
def running(**options: Any) -> Iterator[tuple[Inbox, int]]:
    """An inbox and its port. `options` are those of aiosmtpd's controller and server."""
    inbox, port = Inbox(), free_port()
    server = _Controller(inbox, hostname=HOST, port=port, **options)
    server.start()
    # The controller has made one itself, to see that the server is there.
    inbox.connections = 0
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
