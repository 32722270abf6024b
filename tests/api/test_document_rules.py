"""The OpenAPI document is valid and keeps our own rules, and each rule finds what breaks it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.v1.operations import document
from tests.api import document_rules
from tests.api.document_rules import RULES

Described = dict[str, Any]


def described() -> Described:
    """The document as programs read it."""
    found: Described = json.loads(json.dumps(document()))
    return found


def test_the_document_is_valid_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(described()).iter_errors()) == []


@pytest.mark.parametrize("rule", RULES)
def test_the_document_keeps_the_rule(rule: Callable[[Described], Any]) -> None:
    assert list(rule(described())) == []


def _list(found: Described) -> Any:
    return found["paths"]["/api/v1/connections"]["get"]


def _create(found: Described) -> Any:
    return found["paths"]["/api/v1/connections"]["post"]


def _input(found: Described) -> Any:
    return found["components"]["schemas"]["ConnectionInput"]


BROKEN: list[tuple[str, Callable[[Described], object]]] = [
    ("paths_are_plain", lambda found: found["paths"].update({"/api/v1/Things/": {}})),
    ("paths_are_plain", lambda found: found["paths"].update({"/api/v1/things/{id}": {"get": _list(found)}})),
    ("operations_are_described", lambda found: _list(found).update(operationId="create_connection")),
    ("operations_are_described", lambda found: _list(found).update(operationId="listConnections")),
    ("operations_are_described", lambda found: _list(found).update(summary="List connections.")),
    ("operations_are_described", lambda found: _list(found).pop("description")),
    ("operations_are_described", lambda found: _list(found).update(tags=[])),
    ("operations_are_protected", lambda found: _list(found).update(security=[])),
    ("operations_are_protected", lambda found: _list(found).pop("x-permissions")),
    ("problems_have_one_form", lambda found: _list(found)["responses"]["403"].pop("content")),
    ("problems_have_one_form", lambda found: _list(found)["responses"].pop("429")),
    ("problems_have_one_form", lambda found: _create(found)["responses"].pop("415")),
    ("success_is_unambiguous", lambda found: _list(found)["responses"].update({"204": {}})),
    ("success_is_unambiguous", lambda found: _create(found)["responses"]["201"]["headers"].pop("Location")),
    ("lists_have_pages", lambda found: _list(found)["responses"]["200"].pop("headers")),
    ("names_are_in_snake_case", lambda found: _input(found)["properties"].update(expiresOn={})),
    ("names_are_in_snake_case", lambda found: _list(found)["parameters"].append({"in": "query", "name": "A"})),
    ("input_is_bounded", lambda found: _input(found)["properties"].update(note={"type": "string"})),
    ("input_is_bounded", lambda found: _input(found)["properties"].update(tags={"type": "array", "items": {}})),
    ("input_is_bounded", lambda found: _input(found).pop("additionalProperties")),
    ("schemas_are_described_and_used", lambda found: _input(found).pop("description")),
    ("schemas_are_described_and_used", lambda found: found["components"]["schemas"].update(Other={"enum": []})),
]


@pytest.mark.parametrize(("rule", "change"), BROKEN)
def test_the_rule_finds_what_breaks_it(rule: str, change: Callable[[Described], object]) -> None:
    found = described()
    change(found)
    assert list(getattr(document_rules, rule)(found)) != []


def test_every_rule_is_tried() -> None:
    assert {rule.__name__ for rule in RULES} == {name for name, _ in BROKEN}
