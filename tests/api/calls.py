"""A program that calls the API with a token."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.test import Client

BASE = "/api/v1"
SITE = f"http://127.0.0.1:8000{BASE}"


@dataclass
class Program:
    """Calls operations: `program.get("/connections")`. `token` is the text of an API token, or empty."""

    token: str = ""

    def call(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **more: Any) -> Any:
        """The response, whatever it is."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= more.pop("headers", {})
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        client = Client(raise_request_exception=False)
        media_type = more.pop("content_type", "application/json")
        return client.generic(
            method, f"{BASE}{path}" if path.startswith("/") else path, content, content_type=media_type, headers=headers
        )

    def get(self, path: str, **more: Any) -> Any:
        """The body of a good response."""
        return good(self.call("GET", path, **more))

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        """The body of a good response."""
        return good(self.call("POST", path, body, **more))

    def put(self, path: str, body: Any, *, version: str, **more: Any) -> Any:
        """The body of a good response."""
        return good(self.call("PUT", path, body, headers={"If-Match": f'"{version}"'}, **more))


def pages_of(program: Program, path: str) -> Iterator[Any]:
    """Each page of a list."""
    while path:
        page = program.get(path)
        yield page
        path = (page["next"] or "").removeprefix(SITE)


def good(response: Any) -> Any:
    """The body, after making sure that all is well."""
    assert response.status_code < 300, response.content
    return json.loads(response.content)


def problem(response: Any, status: int, code: str) -> Mapping[str, Any]:
    """The problem of a response, after making sure that it is this one, in its form."""
    assert (response.status_code, response.headers["Content-Type"]) == (status, "application/problem+json")
    found: Mapping[str, Any] = json.loads(response.content)
    assert (found["status"], found["code"]) == (status, code), found
    assert found["type"].endswith(f":{code}")
    assert found["title"]
    assert found["detail"]
    assert response.headers["Cache-Control"] == "no-store"
    return found
