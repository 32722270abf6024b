"""The official JavaScript clients of Azure DevOps, driven from Python over `bridge.cjs`."""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self

from tests.needs import need

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / ".venv" / "clients"
_SECONDS = 30.0


class ClientError(Exception):
    """What a client throws: its words, and the HTTP status when it tells one."""

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status


def member(*names: str) -> dict[str, list[str]]:
    """A member of one of the client's own enumerations, or the sum of several: `member("BuildStatus.Completed")`."""
    return {"$enum": list(names)}


def date(moment: datetime) -> dict[str, str]:
    """A JavaScript date."""
    return {"$date": moment.astimezone(UTC).isoformat()}


class Bridge:
    """A running node process. Raises `TimeoutError` when an answer takes longer than half a minute."""

    def __init__(self) -> None:
        node = shutil.which("node")
        need(found=node is not None, lacking="Node.js", remedy="install Debian's nodejs and npm")
        need(
            found=(INSTALLED / "node_modules" / "azure-devops-node-api").is_dir(),
            lacking="What tests/clients/package.json names",
            remedy="run `make test-clients`, which installs it with npm",
        )
        self._process = subprocess.Popen(
            [str(node), str(HERE / "bridge.cjs"), str(INSTALLED)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"]},
        )
        self._unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._input.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def ask(self, call: dict[str, Any]) -> Any:
        """What a client returns. Raises `ClientError` for what it throws."""
        self._input.write(json.dumps(call).encode() + b"\n")
        self._input.flush()
        answer = json.loads(self._line())
        if "error" in answer:
            raise ClientError(answer["error"]["message"], answer["error"]["status"])
        return _decoded(answer["result"])

    def _line(self) -> bytes:
        ends = time.monotonic() + _SECONDS
        while b"\n" not in self._unread:
            if not select.select([self._output], [], [], max(ends - time.monotonic(), 0))[0]:
                raise TimeoutError("The client does not answer.")
            piece = os.read(self._output.fileno(), 1 << 20)
            if not piece:
                raise EOFError("Node.js has ended; its standard error says why.")
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return line


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$date" in value:
        return datetime.fromisoformat(value["$date"].replace("Z", "+00:00"))
    if "$base64" in value:
        return base64.b64decode(value["$base64"])
    return {name: _decoded(inner) for name, inner in value.items()}


@dataclass(frozen=True)
class Area:
    """One area of a client, whose methods are called as they are written in JavaScript: `build("getBuilds", ...)`."""

    bridge: Bridge
    client: str
    url: str
    token: str
    area: str

    def __call__(self, method: str, *arguments: Any) -> Any:
        """What the method returns; None among the arguments leaves one out. Raises `ClientError`."""
        call = {"client": self.client, "url": self.url, "token": self.token, "area": self.area}
        return self.bridge.ask({**call, "method": method, "arguments": arguments})
