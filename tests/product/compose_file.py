"""compose.yaml and the Dockerfile as text and as values, with variables put in as compose does it."""

import re
from typing import Any

import yaml

from tests.product.running import ROOT

PASSWORDS = {"POSTGRES_PASSWORD": "database-only-for-this-test", "BROKER_PASSWORD": "broker-only-for-this-test"}
TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")


def interpolated(text: str, values: dict[str, str]) -> str:
    """As compose does for `$$`, `${NAME}`, `${NAME:-default}` and `${NAME:?complaint}`."""

    def value(found: re.Match[str]) -> str:
        return "$" if found[0] == "$$" else values.get(found[1], found[2] or "")

    return re.sub(r"\$\$|\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}", value, text)


def whole(**values: str) -> dict[str, Any]:
    """The file, with these variables in `.env`."""
    found: dict[str, Any] = yaml.safe_load(interpolated(TEXT, PASSWORDS | values))
    return found


def services(**values: str) -> dict[str, Any]:
    """Its services by name."""
    found: dict[str, Any] = whole(**values)["services"]
    return found


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile, instruction by instruction."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]
