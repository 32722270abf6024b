"""Requests and answers, with the headers of the real service."""

import json
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sandbox.editions import SERVICES, Edition
from sandbox.ids import EPOCH, stable_id
from sandbox.people import Person
from sandbox.state import Organization, Project, State

JSON = "application/json; charset=utf-8"
_P3P = (
    'CP="CAO DSP COR ADMa DEV CONo TELo CUR PSA PSD TAI IVDo OUR SAMi BUS DEM NAV STA UNI COM INT PHY ONL FIN PUR '
    'LOC CNT"'
)
_ALWAYS = [
    ("X-TFS-ProcessId", stable_id("process")),
    ("P3P", _P3P),
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
    ("X-Content-Type-Options", "nosniff"),
    ("Access-Control-Expose-Headers", "Request-Context"),
    ("Request-Context", f"appId=cid-v1:{stable_id('application')}"),
]
_CONTROLLER = [
    ("Cache-Control", "no-cache"),
    ("Pragma", "no-cache"),
    ("Expires", "-1"),
    ("X-Frame-Options", "SAMEORIGIN"),
]


@dataclass
class Answer:
    """One answer."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)


class ErrorResponse(Exception):
    """Ends the processing of a request with an error answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"refused with {answer.status}")
        self.answer = answer


@dataclass
class Request:
    """One request. `path` holds the decoded segments below the service; header names are in lower case.

    `base_url` is the URL of the service as the client knows it. If releases have a host of their own, `main_url` and
    `release_url` are the two hosts, and `release_host` says which of them received the request; None means that one
    host serves everything. The request pipeline sets `organization`, `state`, `project`, `person` (None if anonymous),
    `version`, `now` and `read_body`, which knows the types of the body.
    """

    method: str
    path: list[str]
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    base_url: str
    edition: Edition = SERVICES
    main_url: str = ""
    release_url: str = ""
    release_host: bool | None = None
    organization: Organization = field(default_factory=lambda: Organization(""))
    state: State = field(default_factory=State, repr=False)
    project: Project | None = None
    person: Person | None = None
    version: str = ""
    now: datetime = EPOCH
    read_body: Callable[[Any], Any] = lambda body: body

    def lacks(self, right: str) -> bool:
        """Whether the person, not the token, lacks a permission in the project."""
        return self.person is not None and self.organization.denies(self.person, self.project, right)

    @property
    def permission_first(self) -> bool:
        """Whether permissions are checked before objects are looked up."""
        return self.organization.permission_first or (self.project is not None and bool(self.project.denied))

    @property
    def here(self) -> str:
        """The URL of the organization."""
        return f"{self.base_url}/{quote(self.organization.name)}"

    @property
    def wants_json(self) -> bool:
        """Whether the client asked for JSON rather than for the content itself."""
        return "application/json" in self.headers.get("accept", "").lower()

    def json(self) -> Any:
        """The body as JSON; None if it is empty. Raises `ValueError`."""
        return json.loads(self.body) if self.body.strip() else None

    def fields(self) -> dict[str, Any]:
        """The body as an object; empty if there is none. Raises `ErrorResponse`."""
        fields: dict[str, Any] = self._bound(dict)
        return fields

    def entries(self) -> list[dict[str, Any]]:
        """The body as a list of objects; empty if there is none. Raises `ErrorResponse`."""
        entries: list[dict[str, Any]] = self._bound(list)
        if not all(isinstance(entry, dict) for entry in entries):
            raise ErrorResponse(invalid_body(self))
        return entries

    def texts(self) -> list[str]:
        """The body as a list of strings; empty if there is none. Raises `ErrorResponse`."""
        texts: list[str] = self._bound(list)
        if not all(isinstance(text, str) for text in texts):
            raise ErrorResponse(invalid_body(self))
        return texts

    def _bound(self, shape: type) -> Any:
        try:
            given = self.json()
            # JSON can contain half of a surrogate pair, which cannot be encoded.
            json.dumps(given, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise ErrorResponse(invalid_body(self)) from None
        if given is None:
            return shape()
        if not isinstance(given, shape):
            raise ErrorResponse(invalid_body(self))
        return self.read_body(given)

    def number(self, name: str, usual: int) -> int:
        """An integer of the query. Raises `ErrorResponse`."""
        value = self.query.get(name, "")
        if not value:
            return usual
        if not (value.isascii() and value.removeprefix("-").isdigit() and len(value) < 12):
            raise ErrorResponse(model_error(self, 400, f"The value '{value}' is not valid for {name}."))
        return int(value)

    def flag(self, name: str) -> bool:
        """A boolean of the query, False by default."""
        return self.query.get(name, "").lower() == "true"

    def listed(self, name: str) -> set[str]:
        """The parts of a comma-separated value of the query, in lower case."""
        return {part.strip().lower() for part in self.query.get(name, "").split(",") if part.strip()}

    def choice(self, name: str, choices: tuple[str, ...], usual: str) -> str:
        """A case-insensitive value of the query out of a list of choices. Raises `ErrorResponse`."""
        value = self.query.get(name, "") or usual
        found = next((choice for choice in choices if choice.lower() == value.lower()), None)
        if found is None:
            raise ErrorResponse(model_error(self, 400, f"The value '{value}' is not valid for {name}."))
        return found


def usual_headers(request: Request) -> list[tuple[str, str]]:
    """The headers of every answer, including refusals."""
    activity = str(uuid.uuid4())
    session = request.headers.get("x-tfs-session") or activity
    return [("ActivityId", activity), ("X-VSS-E2EID", activity), ("X-TFS-Session", session), *_ALWAYS]


def user_header(request: Request) -> list[tuple[str, str]]:
    """The header with the owner of the token; empty for anonymous requests."""
    person = request.person
    return [("X-VSS-UserData", f"{person.id}:{person.upn}")] if person is not None else []


def controller_headers(request: Request) -> list[tuple[str, str]]:
    """The headers of an answer after all checks have passed."""
    return [*usual_headers(request), *_CONTROLLER, *user_header(request)]


def json_answer(request: Request, value: Any, *, status: int = 200, continuation: str | None = None) -> Answer:
    """A JSON answer of a controller. A success names its API version, an error does not."""
    speaks = f"{JSON}; api-version={request.version}" if request.version and status < 400 else JSON
    headers = [*controller_headers(request), ("Content-Type", speaks)]
    if continuation is not None:
        headers.append(("x-ms-continuationtoken", continuation))
    return Answer(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), headers)


def listing(request: Request, items: list[Any], *, continuation: str | None = None) -> Answer:
    """A list as the service wraps it."""
    return json_answer(request, {"count": len(items), "value": items}, continuation=continuation)


def raw(request: Request, content: bytes, content_type: str) -> Answer:
    """Content that is not JSON: a file, or a log."""
    return Answer(200, content, [*controller_headers(request), ("Content-Type", content_type)])


def as_text(lines: Iterable[str]) -> bytes:
    """The lines of a log as the content of a file."""
    return "".join(f"{line}\n" for line in lines).encode()


def empty(request: Request) -> Answer:
    """204: done, without a body."""
    return Answer(204, b"", controller_headers(request))


def envelope(message: str, type_key: str, namespace: str, assembly: str = "") -> dict[str, Any]:
    """The body of an error. The assembly usually has the name of the namespace."""
    return {
        "$id": "1",
        "innerException": None,
        "message": message,
        "typeName": f"{namespace}.{type_key}, {assembly or namespace}",
        "typeKey": type_key,
        "errorCode": 0,
        "eventId": 3000,
    }


def error(request: Request, status: int, message: str, type_key: str, namespace: str, assembly: str = "") -> Answer:
    """An error of a controller."""
    return json_answer(request, envelope(message, type_key, namespace, assembly), status=status)


def argument_missing(request: Request, name: str) -> Answer:
    """400: the body lacks a required value."""
    text = f"Value cannot be null.\r\nParameter name: {name}"
    body = envelope(text, "ArgumentNullException", "System", "mscorlib")
    return json_answer(request, body | {"eventId": 0}, status=400)


def argument_wrong(request: Request, text: str) -> Answer:
    """400: an argument is invalid."""
    body = envelope(text, "ArgumentException", "System", "mscorlib")
    return json_answer(request, body | {"eventId": 0}, status=400)


def model_error(request: Request, status: int, message: str) -> Answer:
    """An error of the layer that parses URLs and bodies. It has the shape of a list with one item."""
    return json_answer(request, {"count": 1, "value": {"Message": message}}, status=status)


def invalid_body(request: Request) -> Answer:
    """400: the body has the wrong form."""
    return model_error(request, 400, "The request is invalid.")


def not_supported(request: Request, what: str) -> Answer:
    """501: the service supports it and the sandbox does not. The service itself never answers this."""
    body = envelope(f"The sandbox does not support {what}.", "NotImplementedException", "System", "mscorlib")
    return json_answer(request, body | {"eventId": 0}, status=501)


def plain(request: Request, status: int, text: str, *, service_error: bool = False) -> Answer:
    """A text/plain answer."""
    headers = [*usual_headers(request), *user_header(request), ("Content-Type", "text/plain; charset=utf-8")]
    if service_error:
        headers.append(("X-TFS-ServiceError", quote(text, safe="")))
    return Answer(status, text.encode(), headers)


def person_json(request: Request, person: Person) -> dict[str, Any]:
    """A person as part of other JSON."""
    avatar = f"{request.here}/_apis/GraphProfile/MemberAvatars/{person.descriptor}"
    return {
        "displayName": person.name,
        "url": f"{request.here}/_apis/Identities/{person.id}",
        "_links": {"avatar": {"href": avatar}},
        "id": person.id,
        "uniqueName": person.unique_name,
        "imageUrl": avatar,
        "descriptor": person.descriptor,
    }
