"""Generated requests to every operation, with the token of each role, from the API's own OpenAPI document.

Schemathesis makes valid and invalid requests from the document and compares each response with it: no fault, and
status, media type, headers and body as documented. The requests are the same in every run, each meets the same rows,
and a new operation is covered as soon as it is in the document.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, settings
from pytest_django import Settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from api.v1.operations import document
from connections.models import Connection
from sandbox.server import Sandbox
from tests.api.conftest import EVERYTHING
from tests.factories import StoredCredentialFactory, make_token
from tests.leaks import hits
from tests.test_who_may_do_what import WHO, user_of

NOBODY, *ROLES, MOST = WHO[1:]
STORED = "q7" * 26
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]
REJECTED = [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428]


class _Undo(Exception):
    """Takes back what a request did."""


def _schema(*, with_boundaries: bool) -> Any:
    """The document for Schemathesis. `with_boundaries` adds the smallest, largest and missing values of each field."""
    configuration = {
        # The token of a request is ours; what else it could be is tested in test_access.
        "generation": {"deterministic": True, "no-shrink": True, "with-security-parameters": False},
        "phases": {"coverage": {"enabled": with_boundaries}, "examples": {"enabled": False}},
        "checks": {"negative_data_rejection": {"expected-statuses": REJECTED}},
    }
    loaded = schemathesis.openapi.from_dict(
        json.loads(json.dumps(document())), config=schemathesis.Config.from_dict(configuration)
    )
    loaded.app = get_wsgi_application()
    return loaded


# Each request restores the rows of the fixtures.
SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
thorough = _schema(with_boundaries=True)
brief = _schema(with_boundaries=False)


@pytest.fixture(scope="module")
def azure_devops() -> Iterator[str]:
    """The address of a sandbox, which rejects every generated token."""
    with Sandbox() as sandbox:
        yield sandbox.url


@pytest.fixture(autouse=True)
def _kept_connection() -> Iterator[None]:
    """The requests share the transaction of the test; Django would close its connection, as in a server."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def rows(azure_devops: str, ids: dict[str, int], settings: Settings) -> Iterator[dict[str, int]]:
    """A row for each parameter of a path, a stored token that could leak, no limit on requests, and none waits."""
    settings.AZURE_DEVOPS_SERVERS = f"Sandbox={azure_devops} kind=sandbox"
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    settings.API_WAITING_REQUESTS = 0
    connection = Connection.objects.get(pk=ids["connection_id"])
    StoredCredentialFactory.create(connection=connection, secret=STORED)
    with patch("celery.app.task.Task.apply_async"), patch("orchestrator.health.report", return_value=[]):
        yield ids


@pytest.fixture
def token_of(db: None) -> Callable[[str], str]:
    """The API token of a role, made for the first request."""
    return cache(lambda who: make_token(user_of(who), *EVERYTHING)[1])


def test_there_is_a_row_for_each_parameter_of_a_path(ids: dict[str, int]) -> None:
    names = {name for path in document()["paths"] for name in re.findall(r"{(\w+)}", path)}
    assert names == set(ids)


@settings(max_examples=5, suppress_health_check=SUPPRESSED)
@thorough.parametrize()
def test_every_response_is_as_documented(case: Case[Any], rows: dict[str, int], token_of: Callable[[str], str]) -> None:
    _request(case, MOST, rows, token_of)


@pytest.mark.parametrize("who", [NOBODY, *ROLES])
@settings(max_examples=2, suppress_health_check=SUPPRESSED)
@brief.parametrize()
def test_every_response_to_other_roles_is_as_documented(
    case: Case[Any], who: str, rows: dict[str, int], token_of: Callable[[str], str]
) -> None:
    _request(case, who, rows, token_of)


def _request(case: Case[Any], who: str, ids: dict[str, int], token_of: Callable[[str], str]) -> None:
    """Send the request on behalf of a role, check the response, and restore the rows."""
    text = token_of(who)
    _choose_rows(case, ids)
    try:
        with transaction.atomic():
            # The transport does not decompress.
            response = case.call(headers={"Authorization": f"Bearer {text}", "Accept-Encoding": "identity"})
            case.validate_response(response, checks=CHECKS)
            sent_back = {"body": response.content, "headers": repr(response.headers).encode()}
            assert not hits({"stored token": STORED, "API token": text}, sent_back)
            raise _Undo
    except _Undo:
        pass


def _choose_rows(case: Case[Any], ids: dict[str, int]) -> None:
    """Let a valid request be about rows that exist, in any version."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    for name in case.path_parameters:
        case.path_parameters[name] = ids[name]
    if "If-Match" in case.headers:
        case.headers["If-Match"] = "*"
