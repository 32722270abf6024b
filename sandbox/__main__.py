"""`python -m sandbox [--port 8061]`: serve until stopped. `--help` lists the options."""

import argparse
import signal
import ssl
import threading
from pathlib import Path
from types import FrameType

from sandbox.editions import SERVERS, SERVICES
from sandbox.samples import build_state
from sandbox.scale import Scale, add_benchmark
from sandbox.server import Sandbox


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="sandbox", description="A simulated Azure DevOps that listens on loopback only."
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8061, help="0 chooses a free port (8061)")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds by which every answer is delayed")
    parser.add_argument(
        "--server",
        choices=sorted(SERVERS),
        help="simulate this Azure DevOps Server instead of the service; 2025 has no year in its name",
    )
    parser.add_argument("--path", default="", help="serve below this path, such as tfs")
    parser.add_argument("--entra", type=Path, help="simulate Microsoft Entra too, with its certificates in this folder")
    parser.add_argument("--entra-port", type=int, default=8062, help="0 chooses a free port (8062)")
    parser.add_argument("--certificate", help="serve TLS with this file, which contains certificate and key")
    scale = parser.add_argument_group("for benchmarks", "additional organizations, named bench-000 and so on")
    scale.add_argument("--organizations", type=int, default=0, help="how many (0)")
    scale.add_argument("--projects", type=int, default=10, help="in each organization (10)")
    scale.add_argument("--repositories", type=int, default=10, help="in each project (10)")
    arguments = parser.parse_args()
    if arguments.entra and arguments.server:
        parser.error("Azure DevOps Server does not accept Microsoft Entra: use --entra without --server")
    return arguments


def _context(certificate: str | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def main() -> None:
    """Read the arguments and serve."""
    arguments = _arguments()
    edition = SERVERS[arguments.server] if arguments.server else SERVICES
    state = build_state(edition)
    add_benchmark(state, Scale(arguments.organizations, arguments.projects, arguments.repositories))
    sandbox = Sandbox(
        host=arguments.host,
        port=arguments.port,
        latency=arguments.latency,
        ssl_context=_context(arguments.certificate),
        edition=edition,
        path=arguments.path,
        state=state,
        entra=arguments.entra,
        entra_port=arguments.entra_port,
    )
    if arguments.entra:
        # Clients need the files before they connect. A thread makes them, so that the start takes no longer. The end
        # waits for it: a library that makes keys must not be interrupted.
        threading.Thread(target=sandbox.entra.prepare).start()

    def stop(_number: int, _frame: FrameType | None) -> None:
        # `close` waits for the event loop that this handler interrupts, so another thread must call it.
        threading.Thread(target=sandbox.close, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"Sandbox on {sandbox.url}", flush=True)
    sandbox.serve_forever()


if __name__ == "__main__":
    main()
