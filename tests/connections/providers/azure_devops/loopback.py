"""Tiny servers on loopback that say exactly what a test wants, byte by byte, and remember what they were told."""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Self

HOST = "127.0.0.1"
# For how many seconds who drips or hangs keeps it up. A client that is still there then has no deadline.
PATIENCE = 3.0


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def all(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header.lower() == name.lower()]

    def __getitem__(self, name: str) -> str:
        (value,) = self.all(name)
        return value

    def json(self) -> object:
        return json.loads(self.body)


@dataclass
class Wire:
    """The server's end of one connection."""

    socket: socket.socket
    stopping: threading.Event
    gave_in: threading.Event
    keep: bool = True

    def send(self, content: bytes) -> None:
        self.socket.sendall(content)

    def drip(self, head: bytes, drop: bytes = b"x", *, every: float = 0.01) -> None:
        """Send `head` and then a drop at a time, for as long as patience lasts."""
        self.send(head)
        self.repeat(lambda: self.send(drop), every=every)

    def sip(self) -> None:
        """Take what comes, a little at a time, for as long as patience lasts."""
        self.repeat(lambda: self.socket.recv(50_000))

    def repeat(self, act: Callable[[], object], *, every: float = 0.01) -> None:
        """Do it again and again, until the client is gone or patience ends."""
        ends_at = time.monotonic() + PATIENCE
        while not self.stopping.wait(every):
            if time.monotonic() > ends_at:
                self.give_in()
                return
            act()

    def hang(self) -> None:
        """Say nothing more, and keep the connection for as long as patience lasts."""
        if not self.stopping.wait(PATIENCE):
            self.give_in()

    def give_in(self) -> None:
        """The client outlasted us."""
        self.gave_in.set()
        self.keep = False

    def reset(self) -> None:
        """End with a reset instead of a farewell."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.keep = False


Script = Callable[[Seen, Wire], None]


def answer(status: int = 200, body: bytes = b"{}", *headers: tuple[str, str], reason: str = "Said") -> bytes:
    """A whole answer on the wire; JSON unless a header says otherwise."""
    said = {name.lower() for name, _ in headers}
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    if "content-type" not in said:
        lines.append("Content-Type: application/json; charset=utf-8")
    if "content-length" not in said and "transfer-encoding" not in said:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def json_answer(value: object, *headers: tuple[str, str], status: int = 200) -> bytes:
    return answer(status, json.dumps(value).encode(), *headers)


def listing(*items: object) -> dict[str, object]:
    return {"count": len(items), "value": list(items)}


def always(*answers: bytes) -> Script:
    """One answer after the other; the last one for ever."""
    waiting = list(answers)

    def say(_seen: Seen, wire: Wire) -> None:
        wire.send(waiting.pop(0) if len(waiting) > 1 else waiting[0])

    return say


def _read_request(stream: BinaryIO) -> Seen | None:
    line = stream.readline().decode("latin-1").split()
    if not line:
        return None
    headers = []
    while (header := stream.readline().decode("latin-1").strip()) != "":
        name, _, value = header.partition(":")
        headers.append((name, value.strip()))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Seen(line[0], line[1], tuple(headers), stream.read(length))


@dataclass
class Loopback:
    """A server that runs `script` for each request, or `greet` for each connection before anything is read.

    `gave_in` says that a client was still there when the patience of a script that drips or hangs was over.
    """

    script: Script = field(default_factory=lambda: always(answer()))
    tls: ssl.SSLContext | None = None
    greet: Callable[[Wire], None] | None = None
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    gave_in: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._stopping = threading.Event()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stopping.set()
        for one in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                # Without the farewell of TLS, which would wait for a thread that reads.
                socket.socket.shutdown(one, socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join()
        self._listener.close()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{HOST}:{self.port}"

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        # The client may hang up at any moment; what it makes of the answer is for the test to say.
        with contextlib.suppress(OSError), connection:
            spoken = self.tls.wrap_socket(connection, server_side=True) if self.tls else connection
            # TLS takes over the socket.
            self._open.append(spoken)
            with spoken:
                if self.greet is not None:
                    self.greet(Wire(spoken, self._stopping, self.gave_in))
                else:
                    self._converse(spoken)

    def _converse(self, connection: socket.socket) -> None:
        wire = Wire(connection, self._stopping, self.gave_in)
        with connection.makefile("rb") as stream:
            while wire.keep and (seen := _read_request(stream)) is not None:
                self.seen.append(seen)
                self.script(seen, wire)


def pipe(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes from one socket to the other until there are no more."""
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_WR)


def tunnel_to(port: int) -> Script:
    """A proxy that answers CONNECT by a tunnel to `port`, whatever host was asked for."""

    def connect(_seen: Seen, wire: Wire) -> None:
        wire.keep = False
        with socket.create_connection((HOST, port)) as target:
            wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pipe, args=(target, wire.socket))
            back.start()
            pipe(wire.socket, target)
            back.join()

    return connect


@contextlib.contextmanager
def full_house() -> Iterator[int]:
    """A port whose queue of waiting connections is full, so that one more is never answered."""
    with socket.socket() as listener, contextlib.ExitStack() as guests:
        listener.bind((HOST, 0))
        listener.listen(0)
        for _ in range(2):
            guest = guests.enter_context(socket.socket())
            guest.setblocking(False)
            guest.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def nobody() -> int:
    """A port on which nothing listens."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def refusal(status: int, message: str, type_key: str) -> bytes:
    """An answer that says why not, as Azure DevOps does."""
    return json_answer({"message": message, "typeKey": type_key}, status=status)
