"""`python -m tests.faults.azure PORT LATENCY`: the sandbox as a process, with more organizations and more tokens."""

import sys

from sandbox.people import Token
from sandbox.sample_code import MAYA
from sandbox.samples import build_state, secret
from sandbox.scale import Scale, add_benchmark
from sandbox.scopes import FULL
from sandbox.server import Sandbox

ORGANIZATIONS = 12
SPARE = 200


def organization(number: int) -> str:
    """The name of a further organization, which the token `full` opens."""
    return f"bench-{number:03}"


def spare_token(number: int) -> str:
    """The secret of one of Maya's further tokens for acme."""
    return secret(f"spare-{number:03}")


def main() -> None:
    """Serve until killed."""
    state = build_state()
    add_benchmark(state, Scale(ORGANIZATIONS, 1, 1))
    for number in range(SPARE):
        token = Token(spare_token(number), f"spare-{number:03}", MAYA, "acme", FULL)
        state.tokens[token.secret] = token
    sandbox = Sandbox(port=int(sys.argv[1]), latency=float(sys.argv[2]), state=state)
    print(f"Sandbox on {sandbox.url}", flush=True)
    sandbox.serve_forever()


if __name__ == "__main__":
    main()
