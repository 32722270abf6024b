"""A receiver of webhooks on loopback, over TLS, that keeps what arrives and answers as told."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

from django.utils import timezone
from jsonschema import Draft6Validator
from pytest_django import Settings
from slack_sdk.models.blocks import Block
from standardwebhooks import Webhook

from connections.actions.manage_channels import ChannelInput, SavedChannel, add_channel
from core.secrets import Secret
from history.record import Actor
from tests.connections.providers.azure_devops.authority import Authority

SIGNING_SECRET = "whsec_b25seSBmb3IgdGVzdHM6IGEgc2lnbmluZyBrZXkgb2Ygc2l4dHkgYnl0ZXMsIHdoaWNoIGlzIGFzIGxvbg=="
PATH = "/services/T000/B000/" + "k3x9" * 16


@dataclass
class Arrived:
    """A request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """`answers` are used one after another, the last one for ever: status, body and headers."""

    port: int = 0
    requests: list[Arrived] = field(default_factory=list)
    answers: list[tuple[int, bytes, dict[str, str]]] = field(default_factory=lambda: [(200, b"ok", {})])
    # Seconds between two bytes of the answer; the total takes longer than any deadline of a test.
    drip: float = 0.0

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.answers = [(status, body, {name.replace("_", "-"): value for name, value in headers.items()})]

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}{PATH}"


@contextmanager
def receiving(settings: Settings, folder: Path) -> Iterator[Receiver]:
    """Run a receiver that the settings allow, under a name with a private address."""
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    authority = Authority(folder)
    server.socket = authority.server("localhost").wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    settings.NOTIFICATION_HOSTS = [f"localhost:{receiver.port} private"]
    settings.NOTIFICATION_CA_BUNDLE = authority.bundle
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


def add(kind: str, receiver: Receiver, *, name: str = "Alerts") -> SavedChannel:
    """A channel that leads to the receiver, made by the product's own action."""
    entered = ChannelInput(name, Secret(receiver.url), Secret(SIGNING_SECRET if kind == "webhook" else ""))
    return add_channel(kind, entered, by=Actor("tests"), now=timezone.now())


def verified(arrived: Arrived, signing_secret: str) -> Any:
    """The event of a signed webhook, as the library of Standard Webhooks accepts it."""
    return Webhook(signing_secret).verify(arrived.body, arrived.headers)


def blocks_of(arrived: Arrived) -> list[Block]:
    """The blocks of a Slack message, as Slack's own library accepts them."""
    blocks = [block for block in map(Block.parse, arrived.json["blocks"]) if block is not None]
    assert len(blocks) == len(arrived.json["blocks"])
    for block in blocks:
        block.validate_json()
    return blocks


def card_of(arrived: Arrived) -> dict[str, Any]:
    """The Adaptive Card of a Teams message, as the published schema of its version accepts it."""
    (attachment,) = arrived.json["attachments"]
    assert (arrived.json["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    card: dict[str, Any] = attachment["content"]
    file = files("adaptive_cards") / "schemas" / f"schema-{card['version']}.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    assert [error.message for error in Draft6Validator(schema).iter_errors(card)] == []
    return card


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.requests.append(Arrived(self.path, headers, body))
            answers = receiver.answers
            status, content, more = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self._write(content)

        def _write(self, content: bytes) -> None:
            try:
                for start in range(0, len(content), 1 if receiver.drip else max(1, len(content))):
                    self.wfile.write(content[start : start + 1] if receiver.drip else content)
                    time.sleep(receiver.drip)
            except OSError:
                self.close_connection = True

        def log_message(self, *_args: Any) -> None:
            pass

    return Handler
