"""The OpenAPI document is what is committed, and every response is what it says."""

import json
from io import StringIO
from typing import Any

import jsonschema
import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from api.v1.operations import document
from connections.domain.problems import requests
from delivery.models import Pipeline, ReleasePipeline
from tests.api.calls import Program
from tests.api.conftest import delivered
from tests.factories import ConnectionFactory, make_person
from tests.loaded_settings import ROOT

COMMITTED = ROOT / "docs" / "openapi.json"


def test_the_committed_document_is_that_of_the_code() -> None:
    said = StringIO()
    call_command("openapi", stdout=said)
    words = "Run `manage.py openapi > docs/openapi.json`, and see what it changes for programs that exist."
    assert COMMITTED.read_text() == said.getvalue(), words


def test_secrets_only_go_in() -> None:
    schemas = document()["components"]["schemas"]
    secret = {
        (name, field): kind["writeOnly"]
        for name, schema in schemas.items()
        for field, about in schema.get("properties", {}).items()
        for kind in (about, *about.get("anyOf", ()))
        if kind.get("format") == "password"
    }
    of_applications = {"client_secret", "certificate", "certificate_password"}
    tokens = {(name, "token") for name in ("ConnectionInput", "TestInput", "TokenInput", "LeakedTokenInput")}
    assert set(secret) == tokens | {("ApplicationInput", name) for name in of_applications}
    assert all(secret.values())


def check(response: Any, path: str, method: str) -> None:
    """Compare a response with its description."""
    described = document()
    (content,) = described["paths"][path][method]["responses"][response.status_code]["content"].items()
    media_type, about = content
    assert response.headers["Content-Type"].split(";")[0] == media_type
    schema = about["schema"] | {"components": described["components"]}
    # Without checking the whole document each time, which has a test of its own.
    jsonschema.Draft202012Validator(schema).validate(json.loads(response.content))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/connections"),
        ("get", "/connections/{connection_id}"),
        ("get", "/connections/{connection_id}/capabilities"),
        ("post", "/connections/{connection_id}/test"),
        ("post", "/connections/{connection_id}/disable"),
        ("get", "/connections/{connection_id}/events"),
        ("get", "/events"),
        ("get", "/repositories"),
        ("get", "/repositories/{repository_id}"),
        ("get", "/connections/{connection_id}/sync"),
        ("post", "/connections/{connection_id}/sync"),
        ("get", "/release-pipelines"),
        ("get", "/release-pipelines/{release_pipeline_id}"),
        ("get", "/release-pipelines/{release_pipeline_id}/releases/{release_id}"),
        ("get", "/pipelines"),
        ("get", "/pipelines/{pipeline_id}"),
        ("get", "/pipelines/{pipeline_id}/builds"),
        ("post", "/pipelines/{pipeline_id}/builds"),
        ("get", "/pipelines/{pipeline_id}/builds/{build_id}"),
        ("get", "/audits"),
        ("post", "/audits"),
        ("get", "/outbox"),
        ("get", "/outbox/mails"),
        ("get", "/outbox/mails/{mail_id}"),
        ("post", "/outbox/mails/{mail_id}/retry"),
        ("get", "/health"),
        ("post", "/connections"),
        ("get", "/connections/{connection_id}/used-by"),
        ("get", "/register"),
        ("get", "/register/{entry_id}"),
        ("post", "/register"),
        ("post", "/register/{entry_id}/reopen"),
        ("post", "/register/{entry_id}/leak"),
        ("get", "/leaks"),
        ("get", "/leaks/{leak_id}"),
    ],
)
def test_responses_are_as_described(program: Program, monkeypatch: pytest.MonkeyPatch, method: str, path: str) -> None:
    monkeypatch.setattr("orchestrator.health.current_report", list)
    ids = delivered(ConnectionFactory.create(server="Gone"))
    response = program.call(method.upper(), path.format(**ids), {})
    check(response, f"/api/v1{path}", method)
    stranger = Program().call(method.upper(), path.format(**ids), {})
    check(stranger, f"/api/v1{path}", method)


def test_builds_are_as_described(program: Program, ci: Pipeline) -> None:
    path = f"/pipelines/{ci.pk}/builds"
    described = "/api/v1/pipelines/{pipeline_id}/builds"
    check(program.call("GET", path), described, "get")
    check(program.call("POST", path, {"branch": "main"}), described, "post")
    check(program.call("GET", f"{path}/{ci.build_id}"), f"{described}/{{build_id}}", "get")
    check(program.call("GET", f"{path}/{ci.build_id}/logs/1"), f"{described}/{{build_id}}/logs/{{log_id}}", "get")
    check(program.call("GET", f"/pipelines/{ci.pk}/branches"), "/api/v1/pipelines/{pipeline_id}/branches", "get")


def test_releases_are_as_described(program: Program, ci: Pipeline) -> None:
    row = ReleasePipeline.objects.get(name="Deploy Tailspin")
    path, described = f"/release-pipelines/{row.pk}", "/api/v1/release-pipelines/{release_pipeline_id}"
    check(program.call("GET", path), described, "get")
    check(program.call("GET", f"{path}/choices"), f"{described}/choices", "get")
    check(program.call("GET", f"{path}/releases"), f"{described}/releases", "get")
    made = program.call("POST", f"{path}/releases", {})
    check(made, f"{described}/releases", "post")
    release = f"{path}/releases/{made.json()['id']}"
    check(program.call("GET", release), f"{described}/releases/{{release_id}}", "get")
    stage = made.json()["stages"][0]["id"]
    cancelled = program.call("POST", f"{release}/stages/{stage}/cancel", {})
    check(cancelled, f"{described}/releases/{{release_id}}/stages/{{stage_id}}/cancel", "post")


def test_the_reference_shows_every_operation_and_schema(client: Client, db: None) -> None:
    client.force_login(make_person("ann"))
    page = client.get(reverse("api:reference")).content.decode()
    described = document()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path}" in page
            assert escape(operation["summary"]) in page
    assert all(f'id="schema-{name}"' in page for name in described["components"]["schemas"])


def test_the_document_for_programs_names_the_site(client: Client, db: None, settings: Any) -> None:
    settings.SITE_URL, settings.SCRIPT_NAME = "https://tools.example.com", "/repos"
    client.force_login(make_person("ann"))
    answer = client.get(reverse("api:document"))
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.content)["servers"] == [{"url": "https://tools.example.com/repos"}]


def test_problems_of_requests_have_words() -> None:
    for problem in requests.PROBLEMS:
        assert problem.explanation
        assert problem.next_step
        assert problem.title[0].isupper()
