"""Recorded exchanges of the real service, put back on the wire. They stay outside the repository."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.connections.providers.azure_devops.loopback import Script, Seen, Wire, answer

# What the loopback server says by itself.
_OWN = ("content-length", "transfer-encoding", "content-encoding", "connection")


@dataclass(frozen=True)
class Exchange:
    """One request and the answer to it."""

    recorded: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.recorded["id"])

    @property
    def method(self) -> str:
        return str(self.recorded["request"]["method"])

    @cached_property
    def place(self) -> str:
        """The path below the organization and the project, in lower case."""
        path = unquote(urlsplit(str(self.recorded["request"]["url"])).path).lower()
        return path[path.index("/_apis/") :].rstrip("/") if "/_apis/" in path else path

    @property
    def query(self) -> str:
        return urlsplit(str(self.recorded["request"]["url"])).query

    @property
    def status(self) -> int:
        return int(self.recorded["response"]["status"])

    @property
    def body(self) -> Any:
        return self.recorded["response"].get("body")

    @property
    def on_the_wire(self) -> bytes:
        return wire_answer(self.status, self.recorded["response"].get("headers") or {}, self.body)

    def script(self) -> Script:
        """Answers this request with the recorded answer, and any other with none at all."""

        def say(seen: Seen, wire: Wire) -> None:
            path = unquote(seen.path).lower()
            if seen.method == self.method and path.endswith(self.place):
                wire.send(self.on_the_wire)
            else:
                wire.keep = False

        return say


def wire_answer(status: int, headers: dict[str, Any], body: Any) -> bytes:
    """An answer with the given headers; one whose headers are not known is JSON, if it is an object."""
    lines = []
    for name, value in headers.items():
        if name.lower() not in _OWN:
            lines += [(name, one) for one in (value if isinstance(value, list) else [value])]
    said = {name.lower() for name, _ in lines}
    if "content-type" not in said:
        lines.append(("Content-Type", "application/json; charset=utf-8" if isinstance(body, dict) else ""))
    content = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return answer(status, content, *lines)


def load(folder: Path) -> dict[str, Exchange]:
    """Every exchange, by its id."""
    found = (Exchange(json.loads(path.read_text())) for path in sorted((folder / "exchanges").glob("*.json")))
    return {one.id: one for one in found}
