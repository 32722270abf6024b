"""The OpenAPI document breaks no program that was written for the released one, and the comparison finds what would."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from api.v1.operations import document
from tests.api.compatibility import breaking_changes
from tests.loaded_settings import ROOT

RELEASED = ROOT / "docs" / "openapi-released.json"
Document = dict[str, Any]


def test_the_document_is_compatible_with_the_released_one() -> None:
    changes = breaking_changes(json.loads(RELEASED.read_text()), json.loads(json.dumps(document())))
    assert changes == [], "Programs that exist would break. Offer the change as a new field, operation or version."


SAMPLE: Document = {
    "paths": {
        "/things": {
            "get": {
                "operationId": "list_things",
                "x-permissions": ["things.view"],
                "parameters": [
                    {"in": "query", "name": "sort", "required": False, "schema": {"enum": ["", "name"]}},
                    {"in": "query", "name": "limit", "schema": {"type": "integer", "maximum": 200, "minimum": 1}},
                ],
                "responses": {
                    "200": {
                        "headers": {"Link": {}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ThingList"}}},
                    },
                    "404": {"content": {}},
                },
            },
            "post": {
                "operationId": "create_thing",
                "parameters": [],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ThingInput"}}},
                },
                "responses": {
                    "201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
                },
            },
        }
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["id", "state"],
                "properties": {
                    "id": {"type": "integer"},
                    "state": {"$ref": "#/components/schemas/State"},
                    "day": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
                    "parent": {"$ref": "#/components/schemas/Thing"},
                },
            },
            "State": {"type": "string", "enum": ["on", "off"]},
            "ThingList": {
                "type": "object",
                "required": ["things"],
                "properties": {"things": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}},
            },
            "ThingInput": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "maxLength": 100},
                    "state": {"$ref": "#/components/schemas/State"},
                    "day": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    "tags": {"type": "array", "maxItems": 5, "items": {"type": "string"}},
                },
            },
        }
    },
}
THINGS: tuple[str, ...] = ("paths", "/things")
FIELDS: tuple[str, ...] = ("components", "schemas", "Thing", "properties")
INPUT: tuple[str, ...] = ("components", "schemas", "ThingInput")


def put(place: tuple[Any, ...], value: Any) -> Callable[[Document], None]:
    """A change that puts a value at a place; with None it removes what is there."""

    def change(described: Document) -> None:
        *way, last = place
        node: Any = described
        for step in way:
            node = node[step]
        if value is None:
            del node[last]
        else:
            node[last] = value

    return change


BREAKING: dict[str, tuple[Callable[[Document], None], str]] = {
    "operation": (put((*THINGS, "get"), None), "GET /things: removed"),
    "path": (put(THINGS, None), "GET /things: removed"),
    "operation id": (put((*THINGS, "get", "operationId"), "things"), "operationId changed from list_things"),
    "permission": (put((*THINGS, "get", "x-permissions"), ["things.view", "x"]), "requires the permission x"),
    "limit of tokens": (put((*THINGS, "get", "x-all-connections"), True), "requires a token for all connections"),
    "parameter": (put((*THINGS, "get", "parameters", 0), None), "parameter sort removed"),
    "required parameter": (put((*THINGS, "get", "parameters", 0, "required"), True), "parameter sort is now required"),
    "value of a parameter": (
        put((*THINGS, "get", "parameters", 0, "schema", "enum"), [""]),
        "parameter sort: no longer accepts 'name'",
    ),
    "lower limit": (put((*THINGS, "get", "parameters", 1, "schema", "maximum"), 100), "limit: maximum is now 100"),
    "higher limit": (put((*THINGS, "get", "parameters", 1, "schema", "minimum"), 2), "limit: minimum is now 2"),
    "header": (put((*THINGS, "get", "responses", "200", "headers"), None), "header Link of response 200 removed"),
    "status": (put((*THINGS, "post", "responses"), {"200": {}}), "response 201 removed"),
    "media type": (
        put((*THINGS, "get", "responses", "200", "content"), {}),
        "response 200 of application/json removed",
    ),
    "response field": (put((*FIELDS, "day"), None), "POST /things: response 201.day: removed"),
    "field of a list": (put((*FIELDS, "day"), None), "GET /things: response 200.things[].day: removed"),
    "optional response field": (put((*FIELDS[:-1], "required"), ["id"]), "response 201.state: can be missing now"),
    "type of a response field": (put((*FIELDS, "id"), {"type": "string"}), "response 201.id: type string"),
    "null in a response": (
        put((*FIELDS, "id"), {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        "response 201.id: type null",
    ),
    "format of a response field": (
        put((*FIELDS, "day", "anyOf", 0, "format"), "date-time"),
        "format changed from date to date-time",
    ),
    "body": (put((*THINGS, "post", "requestBody"), None), "body removed"),
    "new body": (
        put((*THINGS, "get", "requestBody"), {"required": True, "content": {}}),
        "GET /things: a body is now required",
    ),
    "media type of a body": (
        put((*THINGS, "post", "requestBody", "content"), {"text/plain": {}}),
        "body of application/json removed",
    ),
    "required field": (put((*INPUT, "required"), ["name", "day"]), "body.day: now required"),
    "request field": (put((*INPUT, "properties", "day"), None), "body.day: removed"),
    "shorter field": (put((*INPUT, "properties", "name", "maxLength"), 50), "body.name: maxLength is now 50"),
    "fewer items": (put((*INPUT, "properties", "tags", "maxItems"), 4), "body.tags: maxItems is now 4"),
    "type of items": (put((*INPUT, "properties", "tags", "items"), {"type": "integer"}), "body.tags[]: type string"),
    "pattern": (put((*INPUT, "properties", "name", "pattern"), "^x"), "body.name: pattern is now ^x"),
    "null in a request": (put((*INPUT, "properties", "day"), {"type": "string"}), "body.day: type null"),
    "value of a request": (
        put(("components", "schemas", "State", "enum"), ["on"]),
        "body.state: no longer accepts 'off'",
    ),
    "only some values": (put((*INPUT, "properties", "name", "enum"), ["x"]), "body.name: accepts only some values now"),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_change_that_breaks_programs_is_found(name: str) -> None:
    change, expected = BREAKING[name]
    changed = deepcopy(SAMPLE)
    change(changed)
    assert any(expected in sentence for sentence in breaking_changes(SAMPLE, changed)), breaking_changes(
        SAMPLE, changed
    )


COMPATIBLE: dict[str, Callable[[Document], None]] = {
    "nothing": lambda _: None,
    "operation": put(("paths", "/others"), {"get": {"operationId": "list_others", "responses": {}}}),
    "optional parameter": put((*THINGS, "post", "parameters"), [{"in": "query", "name": "q", "schema": {}}]),
    "response field": put((*FIELDS, "name"), {"type": "string"}),
    "response value": put(("components", "schemas", "State", "enum"), ["on", "off", "broken"]),
    "optional request field": put((*INPUT, "properties", "note"), {"type": "string"}),
    "longer field": put((*INPUT, "properties", "name", "maxLength"), 200),
    "problem": put((*THINGS, "get", "responses", "409"), {"content": {}}),
    "fewer permissions": put((*THINGS, "get", "x-permissions"), []),
    "always there": put((*FIELDS[:-1], "required"), ["id", "state", "day"]),
    "never null": put((*FIELDS, "day"), {"type": "string", "format": "date"}),
}


@pytest.mark.parametrize("name", COMPATIBLE)
def test_a_change_that_breaks_nothing_is_accepted(name: str) -> None:
    changed = deepcopy(SAMPLE)
    COMPATIBLE[name](changed)
    assert breaking_changes(SAMPLE, changed) == []
