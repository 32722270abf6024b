"""Generate the product's keys. `make run` keeps them in a file that only its user can read, and never replaces them.

Run as a file it prints a fresh set, one `NAME=value` a line, for an operator's own store of secrets:

    python orchestrator/generate_keys.py
"""

import base64
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

FILE_NAME = "keys.env"


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


MAKERS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(64),
    "FIELD_ENCRYPTION_KEYS": _random_key,
    "TOKEN_FINGERPRINT_KEY": _random_key,
    "EVENT_SEAL_KEYS": _random_key,
}


def make_missing_keys(folder: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Add to `folder/keys.env` the keys that neither it nor the environment has. Return their names.

    Raises `OSError` when they cannot be written.
    """
    # Imported here, because run as a file this module finds no packages.
    from core.text_input import decode
    from orchestrator.private_files import write_whole

    with _locked(folder):
        path = folder / FILE_NAME
        text = decode(path.read_bytes()) if path.exists() else ""
        present = {line.partition("=")[0].strip() for line in text.splitlines()}
        present |= {name for name in MAKERS if environment.get(name) or environment.get(f"{name}_FILE")}
        missing = tuple(name for name in MAKERS if name not in present)
        if missing:
            separator = "" if not text or text.endswith("\n") else "\n"
            # Whole, because half a key would lose what it sealed.
            write_whole(path, text + separator + "".join(f"{name}={MAKERS[name]()}\n" for name in missing))
        return missing


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two first starts at once must agree on one set of keys."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


if __name__ == "__main__":
    for key, make in MAKERS.items():
        print(f"{key}={make()}")
