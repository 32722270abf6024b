"""The client asks what the file says, and reads each expected answer as the file says."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from connections.providers.azure_devops import core, errors
from connections.providers.azure_devops.capabilities import PROBES, read_answer
from connections.providers.azure_devops.classification import classify
from connections.providers.azure_devops.models import Service
from connections.providers.azure_devops.responses import ANONYMOUS_ID, Response
from expected_answers import ACCEPTED, ExpectedAnswer, ExpectedRequest, expected_answers
from expected_answers.observation import differences, observe

EXPECTED = expected_answers()
ME = "22157d54-1821-6536-a446-928b06348385"
PROJECT = "11111111-2222-4333-8444-555555555555"
CASES = [(request, answer) for answer in EXPECTED.answers for request in answer.requests]
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PROBES = {probe.capability: probe for probe in PROBES}
# What a header says where its value matters to the client.
_VALUES = {"activityid": "31080f23-c237-409c-99ba-0c6eee3e4690"}


class Listener:
    """In the place of a transport: what would have been asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, Mapping[str, str], object]] = []

    def ask(
        self, method: str, path: tuple[str, ...], *, service: Service = "core", query: Any = None, json: object = None
    ) -> Response:
        shown = "/".join(path).replace(PROJECT, "{project}").replace("2147483647", "{no_such_number}")
        self.asked.append((method, _UUID.sub("{no_such_id}", shown), service, query or {}, json))
        return Response(200, {}, b"{}")


@pytest.mark.parametrize("probe", PROBES, ids=[probe.capability for probe in PROBES])
def test_each_probe_asks_what_the_file_says(probe: Any) -> None:
    listener, request = Listener(), EXPECTED.requests[probe.capability]
    probe.ask(listener, PROJECT)
    assert listener.asked == [(request.method, request.path, request.service, request.query, request.body)]
    assert request.capability == probe.capability


def writing() -> Iterator[ExpectedRequest]:
    return (request for request in EXPECTED.requests.values() if request.method != "GET")


def test_only_probes_use_another_method_than_get_and_all_of_those_are_called_writing() -> None:
    assert all(request.is_probe and request.writes for request in writing())
    assert all("{no_such_" in request.path and request.body == {} for request in writing())


@pytest.mark.parametrize(("key", "expected"), CASES, ids=[f"{answer.id}: {key}" for key, answer in CASES])
def test_the_client_reads_each_expected_answer_as_the_file_says(key: str, expected: ExpectedAnswer) -> None:
    request, answer = EXPECTED.requests[key], answer_like(expected)
    assert differences(expected, seen(answer)) == ()
    if request.is_probe:
        assert read_answer(answer, proofs=_PROBES[key].proofs, identity=ME)[0] == expected.reading
    else:
        assert reading(request, answer) == expected.reading


@pytest.mark.parametrize("key", [request.key for request in EXPECTED.requests.values() if request.is_probe])
def test_every_alternative_type_of_error_proves_the_scope(key: str) -> None:
    for expected in EXPECTED.to(key, when=["scope_granted"], place="organization"):
        for type_key in expected.type_keys:
            answer = answer_like(expected, type_key=type_key)
            assert read_answer(answer, proofs=_PROBES[key].proofs, identity=ME)[0] == "granted", type_key


def reading(request: ExpectedRequest, answer: Response) -> str:
    try:
        if request.path == "_apis/connectionData":
            core.read_connection_data(answer)
    except errors.AzureDevOpsError as refusal:
        return refusal.code
    trouble = classify(answer)
    return trouble.code if trouble else ACCEPTED


def seen(answer: Response) -> Any:
    return observe(EXPECTED, status=answer.status, headers=answer.headers, body=answer.body, asker=ME)


def answer_like(expected: ExpectedAnswer, *, type_key: str = "") -> Response:
    """An answer that is all that the file says, and nothing more."""
    headers = {name: _VALUES.get(name, "x") for name in expected.headers}
    words = [word for word in expected.words if word not in _CHALLENGES]
    if "www-authenticate" in headers:
        headers["www-authenticate"] = ", ".join(word for word in expected.words if word in _CHALLENGES) or "x"
    if "x-tfs-serviceerror" in headers:
        headers["x-tfs-serviceerror"] = " ".join(words)
    if expected.content_type:
        headers["content-type"] = f"{expected.content_type}; charset=utf-8"
    if expected.signed_as == "asker":
        headers["x-vss-userdata"] = f"{ME}:me@example.com"
    return Response(expected.status, headers, body_like(expected, " ".join(words), type_key), service="core")


_CHALLENGES = ("Basic realm", "Bearer authorization_uri", "TFS-Federated", "NTLM", "Negotiate")


def body_like(expected: ExpectedAnswer, message: str, type_key: str) -> bytes:
    if expected.body == "object":
        body: dict[str, Any] = {}
        for path in expected.keys:
            _put(body, path.split("."))
        if "message" in body:
            body["message"] = message or "No."
        if expected.type_keys:
            body["typeKey"] = type_key or expected.type_keys[0]
        if ANONYMOUS_ID in expected.words and "authenticatedUser" in body:
            body["authenticatedUser"]["id"] = ANONYMOUS_ID
        return json.dumps(body).encode()
    if expected.body == "page":
        return f"<!DOCTYPE html><html><body>{message}</body></html>".encode()
    return message.encode() if expected.body == "text" else b""


def _put(body: dict[str, Any], path: list[str]) -> None:
    name, more = path[0], path[1:]
    key = name.removesuffix("[]")
    if name.endswith("[]"):
        inner = body[key] = body[key] if isinstance(body.get(key), list) and body[key] else [{}]
        _put(inner[0], more)
    elif more:
        _put(body.setdefault(key, {}), more)
    else:
        body.setdefault(key, [] if key == "value" else ME if key in ("id", "instanceId") else "x")
