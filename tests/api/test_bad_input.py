"""Input that no operation takes: each is answered with a problem that names what is wrong, and never with a fault."""

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from api.v1.bodies import LARGEST
from api.v1.operations import document
from connections.models import Connection
from tests.api.calls import Program, problem
from tests.factories import ConnectionFactory

NEW = {"name": "New", "organization": "acme", "token": "x" * 52}


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"", 422, "input_invalid"),
        (b"[", 400, "body_unreadable"),
        (b"\xff\xfe", 400, "body_unreadable"),
        (b"[" * 30_000 + b"]" * 30_000, 400, "body_unreadable"),
        (b'{"name": ' * 5_000 + b"1" + b"}" * 5_000, 400, "body_unreadable"),
        (b"1" * 5_000, 400, "body_unreadable"),
        (b" " * (LARGEST + 1), 413, "body_too_large"),
        (b"null", 422, "input_invalid"),
        (b"[]", 422, "input_invalid"),
        (b'"text"', 422, "input_invalid"),
        (b"NaN", 422, "input_invalid"),
    ],
)
def test_bodies_that_are_no_object(program: Program, raw: bytes, status: int, code: str) -> None:
    problem(program.call("POST", "/connections", raw=raw), status, code)


def longest(schema: dict[str, Any], components: dict[str, Any]) -> Any:
    """The largest value that a schema permits."""
    if "$ref" in schema:
        return longest(components[schema["$ref"].rpartition("/")[2]], components)
    if "anyOf" in schema:
        return max((longest(option, components) for option in schema["anyOf"]), key=lambda value: len(repr(value)))
    if "enum" in schema:
        return max(schema["enum"], key=len)
    if schema.get("type") == "array":
        return [longest(schema["items"], components)] * schema["maxItems"]
    if schema.get("type") == "object":
        return {name: longest(field, components) for name, field in schema.get("properties", {}).items()}
    return "x" * schema.get("maxLength", 30)


def test_the_largest_body_that_is_documented_is_not_too_large() -> None:
    described = document()
    bodies = {
        operation["operationId"]: operation["requestBody"]["content"]["application/json"]["schema"]
        for methods in described["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    }
    sizes = {
        name: len(json.dumps(longest(schema, described["components"]["schemas"]))) for name, schema in bodies.items()
    }
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}
    assert sizes["update_connection"] > 400_000


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"]
)
def test_bodies_of_another_media_type(program: Program, media_type: str) -> None:
    problem(program.call("POST", "/connections", NEW, content_type=media_type), 415, "media_type_unsupported")


def test_a_media_type_may_name_its_charset(program: Program) -> None:
    answer = program.call("POST", "/connections", {}, content_type="application/json; charset=utf-8")
    problem(answer, 422, "input_invalid")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("surplus", 1),
        ("id", 1),
        ("owner", "root"),
        ("name", None),
        ("name", 1),
        ("name", ["x"]),
        ("name", "x" * 1001),
        ("organization", {}),
        ("token", 1),
        ("token", None),
        ("token", "x" * 10_001),
        ("expires_on", 1_800_000_000),
        ("expires_on", True),
        ("expires_on", "tomorrow"),
        ("expires_on", "2026-02-30"),
        ("expires_on", "2026-12-31T00:00:00"),
        ("token_reach", "everything"),
        ("token_reach", None),
        ("projects", "all"),
        ("projects", [1]),
        ("projects", ["x" * 65]),
        ("projects", ["x"] * 5001),
        ("accept_limited", "yes"),
        ("accept_limited", 1),
        ("accept_limited", None),
    ],
)
def test_fields_that_cannot_be(program: Program, field: str, value: Any) -> None:
    found = problem(program.call("POST", "/connections", NEW | {field: value}), 422, "input_invalid")
    assert found["errors"][0]["field"].split(".")[0] == field
    assert not Connection.objects.exists()


def test_what_was_sent_is_not_repeated(program: Program) -> None:
    answer = program.call("POST", "/connections", NEW | {"token": ["a secret"], "expires_on": "a secret"})
    assert "a secret" not in answer.content.decode()


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a b", "é"])
def test_idempotency_keys_that_cannot_be(program: Program, key: str) -> None:
    problem(program.call("POST", "/connections", NEW, headers={"Idempotency-Key": key}), 422, "input_invalid")


def test_every_setting_is_said(program: Program) -> None:
    row = ConnectionFactory.create(server="Gone")
    answer = program.call("PUT", f"/connections/{row.pk}", {"name": "New"}, headers={"If-Match": "*"})
    missing = {error["field"] for error in problem(answer, 422, "input_invalid")["errors"]}
    assert missing == {"expires_on", "token_reach", "projects", "extra_recipients"}
    row.refresh_from_db()
    assert row.name != "New"


@pytest.mark.parametrize("number", ["0", "999", "9223372036854775807"])
@pytest.mark.parametrize("path", ["connections", "audits"])
def test_ids_of_nothing(program: Program, path: str, number: str) -> None:
    answer = program.call("GET", f"/{path}/{number}")
    code = "input_invalid" if number == "0" else {"connections": "connection_gone"}.get(path, "address_unknown")
    problem(answer, 422 if number == "0" else 404, code)


@pytest.mark.parametrize("path", ["/connections/-1", "/connections/x", "/connections/1/", "/x", "/"])
def test_addresses_of_nothing(program: Program, path: str) -> None:
    problem(program.call("GET", path), 404, "address_unknown")


def test_an_id_that_no_database_holds(program: Program) -> None:
    problem(program.call("GET", f"/connections/{10**30}"), 422, "input_invalid")


def test_addresses_beside_the_version(client: Client, db: None) -> None:
    problem(client.get("/api/"), 404, "address_unknown")
    problem(client.get("/api/v2/connections"), 404, "address_unknown")


@pytest.mark.parametrize("host", ["elsewhere.example.com", "not a host", "127.0.0.1:8000:1"])
def test_host_names_of_other_sites(program: Program, host: str) -> None:
    answer = program.call("GET", "/connections", headers={"Host": host})
    assert problem(answer, 400, "host_unknown")["title"] == "Unknown host name"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "NONSENSE"])
def test_methods_of_nothing(program: Program, method: str) -> None:
    response = program.call(method, "/connections")
    assert response.status_code == 405
    if method not in ("HEAD",):
        problem(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, POST"


def test_unknown_parameters_of_lists(program: Program) -> None:
    found = problem(program.call("GET", "/connections?stauts=healthy"), 422, "input_invalid")
    assert found["errors"] == [{"field": "stauts", "message": "There is no such parameter."}]


def test_a_fault_of_ours_is_a_problem_too(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("api.v1.connections.reads.connections", broken)
    found = problem(program.call("GET", "/connections"), 500, "server_error")
    assert "broken" not in json.dumps(found)
    assert found["request_id"]


def test_a_database_that_is_away_is_a_problem_too(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("api.v1.connections.reads.connections", away)
    response = program.call("GET", "/connections")
    problem(response, 503, "database_unavailable")
    assert response.headers["Retry-After"] == "30"
