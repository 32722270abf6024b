"""The refusals of Microsoft Entra, as listed in `refusals.toml`.

https://learn.microsoft.com/entra/identity-platform/reference-error-codes

The same code has been seen with 400 and with 401.
"""

import tomllib
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from sandbox.entra.answers import json_answer
from sandbox.http_messages import Answer

_FILE = Path(__file__).with_name("refusals.toml")


@dataclass(frozen=True)
class Refusal:
    """What a code says. `text` has places in braces for what was presented."""

    error: str
    status: int
    text: str


@cache
def refusals() -> dict[int, Refusal]:
    """All refusals by code."""
    listed = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {int(code): Refusal(**refusal) for code, refusal in listed.items()}


class TokenRefused(Exception):
    """Ends a request to the issuer with a refusal."""

    def __init__(self, code: int, **presented: str) -> None:
        super().__init__(f"refused with AADSTS{code}")
        self.code = code
        self.presented = presented


def described(code: int, presented: dict[str, str]) -> str:
    """What a code says, with what was presented."""
    return f"AADSTS{code}: {_of(code).text.format_map(_Presented(presented))}"


def _of(code: int) -> Refusal:
    return refusals().get(code) or Refusal("invalid_request", 400, "The request cannot be completed.")


def refusal(code: int, now: datetime, presented: dict[str, str]) -> Answer:
    """The answer with a code, in the recorded shape."""
    said = _of(code)
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    at = now.strftime("%Y-%m-%d %H:%M:%SZ")
    text = described(code, presented)
    body = {
        "error": said.error,
        "error_description": f"{text} Trace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {at}",
        "error_codes": [code],
        "timestamp": at,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
    }
    answer = json_answer(body, status=said.status)
    answer.headers.append(("x-ms-request-id", trace))
    return answer


class _Presented(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"<{name}>"
