"""`python -m sandbox [--port 8061]`: serve until told to stop. `--help` lists what else it can play."""

import argparse
import signal
import ssl
import threading
from types import FrameType

from sandbox.editions import SERVERS, SERVICES
from sandbox.samples import build_state
from sandbox.scale import Scale, add_benchmark
from sandbox.server import Sandbox


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox", description="A pretend Azure DevOps on loopback.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8061, help="0 chooses a free one")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument(
        "--server",
        choices=sorted(SERVERS),
        help="play Azure DevOps Server of this year; 2025 is the one without a year in its name",
    )
    parser.add_argument("--path", default="", help="serve below this path, for example tfs")
    parser.add_argument("--certificate", help="serve TLS with this file of certificate and key")
    scale = parser.add_argument_group("for benchmarks", "more organizations, named bench-000 and so on")
    scale.add_argument("--organizations", type=int, default=0)
    scale.add_argument("--projects", type=int, default=10, help="in each of them")
    scale.add_argument("--repositories", type=int, default=10, help="in each of their projects")
    return parser.parse_args()


def _context(certificate: str | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def main() -> None:
    """Read the arguments and serve."""
    given = _arguments()
    edition = SERVERS[given.server] if given.server else SERVICES
    state = build_state(edition)
    add_benchmark(state, Scale(given.organizations, given.projects, given.repositories))
    sandbox = Sandbox(
        host=given.host,
        port=given.port,
        latency=given.latency,
        ssl_context=_context(given.certificate),
        edition=edition,
        path=given.path,
        state=state,
    )

    def stop(_number: int, _frame: FrameType | None) -> None:
        # The server waits for its own loop to end, so another thread must ask.
        threading.Thread(target=sandbox.close, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"Sandbox on {sandbox.url}", flush=True)
    sandbox.serve_forever()


if __name__ == "__main__":
    main()
