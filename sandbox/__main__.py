"""`python -m sandbox [--host 127.0.0.1] [--port 8061]`: serve until told to stop."""

import argparse
import signal
import threading
from types import FrameType

from sandbox.server import Sandbox


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="sandbox", description="A pretend Azure DevOps on loopback.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8061, help="0 chooses a free one")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before every answer")
    given = parser.parse_args()
    sandbox = Sandbox(host=given.host, port=given.port, latency=given.latency)

    def stop(_number: int, _frame: FrameType | None) -> None:
        # The server waits for its own loop to end, so another thread must ask.
        threading.Thread(target=sandbox.close, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"Sandbox on {sandbox.url}", flush=True)
    sandbox.serve_forever()


if __name__ == "__main__":
    main()
