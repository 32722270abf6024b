"""The reference of the REST API as its page shows it, made from the OpenAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.v1.operations import document

_TYPE_OF_FORMAT = {"date": "date", "date-time": "time", "password": "secret"}


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A parameter or a field."""

    name: str
    type: str
    is_required: bool
    about: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class OperationRow:
    """One operation."""

    id: str
    method: str
    path: str
    title: str
    about: str
    permissions: list[str]
    all_connections: bool
    parameters: list[FieldRow]
    body: str
    responses: list[tuple[str, str, str]]

    @property
    def parameters_label(self) -> str:
        """What screen readers call the table of parameters."""
        return f"Parameters: {self.title}"


@dataclass(frozen=True, slots=True)
class SchemaRow:
    """What a body or a response consists of."""

    name: str
    about: str
    fields: list[FieldRow]
    values: list[str]

    @property
    def fields_label(self) -> str:
        """What screen readers call the table of fields."""
        return f"Fields: {self.name}"


@dataclass(frozen=True, slots=True)
class Reference:
    """All that the page shows."""

    about: str
    operations: list[OperationRow]
    schemas: list[SchemaRow]


def reference() -> Reference:
    """The whole reference."""
    described = document()
    return Reference(
        about=described["info"]["description"],
        operations=[
            _operation(method.upper(), path, operation)
            for path, methods in described["paths"].items()
            for method, operation in methods.items()
        ],
        schemas=[_schema(name, schema) for name, schema in sorted(described["components"]["schemas"].items())],
    )


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> OperationRow:
    return OperationRow(
        id=operation["operationId"],
        method=method,
        path=path,
        title=operation["summary"],
        about=operation.get("description", ""),
        permissions=operation["x-permissions"],
        all_connections=operation["x-all-connections"],
        parameters=[
            FieldRow(
                parameter["name"],
                _type(parameter["schema"]),
                parameter["required"],
                parameter.get("description", ""),
                parameter["in"],
            )
            for parameter in operation["parameters"]
        ],
        body=_schema_of(operation.get("requestBody", {})),
        responses=[
            (status, response["description"], _schema_of(response))
            for status, response in operation["responses"].items()
        ],
    )


def _schema(name: str, schema: Mapping[str, Any]) -> SchemaRow:
    required = schema.get("required", [])
    fields = [
        FieldRow(field, _type(about), field in required, about.get("description", ""))
        for field, about in schema.get("properties", {}).items()
    ]
    return SchemaRow(name, schema.get("description", ""), fields, [str(value) for value in schema.get("enum", [])])


def _schema_of(described: Mapping[str, Any]) -> str:
    """The name of the schema that a body or a response has; empty without one."""
    return next((_type(content["schema"]) for content in described.get("content", {}).values()), "")


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for several in ("anyOf", "allOf"):
        if several in schema:
            return " or ".join(_type(option) for option in schema[several])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if "enum" in schema:
        return " or ".join(value for value in schema["enum"] if value)
    return _TYPE_OF_FORMAT.get(schema.get("format", ""), str(schema.get("type", "any")))
