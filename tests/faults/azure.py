"""`python -m tests.faults.azure PORT LATENCY [ENTRA_PORT FOLDER]`: the sandbox as a process, with more tokens.

With a folder for its certificates, Microsoft Entra is beside it.
"""

import sys
from pathlib import Path

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
    port, latency, *entra = sys.argv[1:]
    sandbox = Sandbox(
        port=int(port),
        latency=float(latency),
        state=state,
        entra_port=int(entra[0]) if entra else 0,
        entra=Path(entra[1]) if entra else None,
    )
    if sandbox.has_entra:
        # Clients read the file before they connect.
        _ = sandbox.entra.ca_file
    print(f"Sandbox on {sandbox.url}", flush=True)
    sandbox.serve_forever()


if __name__ == "__main__":
    main()
