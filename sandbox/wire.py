"""Requests as they come and answers as they go, with the headers of the real service."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from sandbox.world import Organization, Person, stable_id

PROCESS_ID = stable_id("process")
P3P = 'CP="CAO DSP COR ADMa DEV CONo TELo CUR PSA PSD TAI IVDo OUR SAMi BUS DEM NAV STA UNI COM INT PHY"'


@dataclass
class Request:
    """One request. `path` holds the decoded segments; header names are in lower case."""

    method: str
    path: list[str]
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    base_url: str
    organization: Organization = field(default_factory=lambda: Organization(""))
    person: Person | None = None
    version: str = "7.1"

    @property
    def powerless(self) -> bool:
        """Whether the person may change nothing."""
        return self.person is not None and self.person.id in self.organization.powerless

    def json(self) -> Any:
        """The body as JSON; None when there is none. Raises `ValueError`."""
        return json.loads(self.body) if self.body.strip() else None

    def number(self, name: str, usual: int) -> int:
        """A whole number of the query."""
        value = self.query.get(name, "")
        return int(value) if value.isdigit() else usual


@dataclass
class Answer:
    """One answer."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)


def usual_headers(request: Request) -> list[tuple[str, str]]:
    """What every answer carries, refusals included."""
    activity = str(uuid.uuid4())
    headers = [
        ("ActivityId", activity),
        ("X-VSS-E2EID", activity),
        ("X-TFS-ProcessId", PROCESS_ID),
        ("P3P", P3P),
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    session = request.headers.get("x-tfs-session")
    return [*headers, ("X-TFS-Session", session)] if session else headers


def controller_headers(request: Request) -> list[tuple[str, str]]:
    """What an answer carries once the request has passed the gates."""
    headers = [*usual_headers(request), ("Cache-Control", "no-cache"), ("X-Frame-Options", "SAMEORIGIN")]
    if request.person is not None:
        headers.append(("X-VSS-UserData", f"{request.person.id}:{request.person.upn}"))
    return headers


def json_answer(request: Request, value: Any, *, status: int = 200, continuation: str | None = None) -> Answer:
    """A JSON answer of a controller."""
    headers = controller_headers(request)
    headers.append(("Content-Type", f"application/json; charset=utf-8; api-version={request.version}"))
    if continuation is not None:
        headers.append(("x-ms-continuationtoken", continuation))
    return Answer(status, json.dumps(value, ensure_ascii=False).encode(), headers)


def listing(request: Request, items: list[Any], *, continuation: str | None = None) -> Answer:
    """A list as the service wraps it."""
    return json_answer(request, {"count": len(items), "value": items}, continuation=continuation)


def envelope(message: str, type_key: str, namespace: str, *, event_id: int = 3000) -> dict[str, Any]:
    """The body of an error."""
    return {
        "$id": "1",
        "innerException": None,
        "message": message,
        "typeName": f"{namespace}.{type_key}, {namespace}",
        "typeKey": type_key,
        "errorCode": 0,
        "eventId": event_id,
    }


def error(request: Request, status: int, message: str, type_key: str, namespace: str) -> Answer:
    """An error of a controller."""
    return json_answer(request, envelope(message, type_key, namespace), status=status)


def plain(request: Request, status: int, text: str, *, service_error: bool = False) -> Answer:
    """A text/plain answer."""
    headers = [*usual_headers(request), ("Content-Type", "text/plain; charset=utf-8")]
    if service_error:
        headers.append(("X-TFS-ServiceError", quote(text, safe="")))
    if request.person is not None:
        headers.append(("X-VSS-UserData", f"{request.person.id}:{request.person.upn}"))
    return Answer(status, text.encode(), headers)
