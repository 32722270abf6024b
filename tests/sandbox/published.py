"""What Microsoft published and what was recorded, to hold answers against.

The published files (Swagger 2.0) say which properties there are, of which types, with which words. Where the real
service does something else, a recording shows it. So the rule is: whatever an answer holds is published or recorded.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import requests

from sandbox.routes import MAP
from sandbox.routing import Found, Route

AREAS = ("core", "git", "build", "pipelines", "release", "security", "tokens")
# The files of 7.1 know fewer errors of tokens, and no scopes.
_FILES = {"tokens": "tokens-7.2"}
_METHODS = ("get", "post", "put", "patch", "delete")

# Served, but in none of the published files, with the reason; and the published call that answers the same, if any.
NOT_PUBLISHED: dict[str, tuple[str, str | None]] = {
    "GET _apis/connectiondata": ("belongs to the location service, of which nothing is published", None),
    "OPTIONS _apis": ("belongs to the location service", None),
    "OPTIONS _apis/{area}": ("belongs to the location service", None),
    "GET _apis/resourceareas": ("belongs to the location service", None),
    "GET _apis/resourceareas/{area}": ("belongs to the location service", None),
    "GET _apis/git/repositories": ("published with a project only", "{project}/_apis/git/repositories"),
    "GET _apis/git/repositories/{repository}": (
        "published with a project only",
        "{project}/_apis/git/repositories/{repository}",
    ),
    "GET _apis/git/repositories/{repository}/refs": (
        "published with a project only",
        "{project}/_apis/git/repositories/{repository}/refs",
    ),
    "GET _apis/git/repositories/{repository}/commits": (
        "published with a project only",
        "{project}/_apis/git/repositories/{repository}/commits",
    ),
    "GET _apis/git/repositories/{repository}/items": (
        "published with a project only",
        "{project}/_apis/git/repositories/{repository}/items",
    ),
    "GET _apis/securitynamespaces": (
        "published with the id only, which can be omitted",
        "_apis/securitynamespaces/{securityNamespaceId}",
    ),
    "GET _apis/release/releases": ("published with a project only", "{project}/_apis/release/releases"),
    "GET {project}/_apis/build/builds/{build}/timeline": (
        "published with the optional id only",
        "{project}/_apis/build/builds/{build}/timeline/{timeline}",
    ),
}
# Served with 501 alone, with the reason.
NOT_PLAYED = {
    "POST {project}/_apis/pipelines/{pipeline}/preview": "nothing reads the files that pipelines are made of",
}
_LINK = {"type": "object", "properties": {"href": {"type": "string"}}, "required": ["href"]}
# Published in a form that cannot be meant, with the form that the recordings show.
_CORRECTED: dict[str, dict[str, Any]] = {
    # Links stand directly under `_links`, not under `_links.links`; those of the entries of a folder are a list.
    "ReferenceLinks": {
        "type": "object",
        "properties": {"treeEntries": {"type": "array", "items": _LINK}},
        "additionalProperties": _LINK,
    },
}
# The item of a change is published as a string, for the file lost of what kind it is.
_CORRECTED_PROPERTIES = {("GitChange", "item"): {"$ref": "#/definitions/GitItem"}}
# Beside an error there is no token. Inferred.
_MAY_BE_NULL = ("PatToken",)
# A timeline record names all its properties and writes null for what it does not know; recorded for ten of them.
_WRITES_NULL = ("TimelineRecord",)
# Recorded with a capital letter, published without.
_CAPITALS = ("operationStatus",)


def key(route: Route) -> str:
    """A route as it is named in lists."""
    return f"{route.method} {route.address}"


def _shape(address: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", address).lower().strip("/")


class Published:
    """The published files and the recordings of one reference folder."""

    def __init__(self, openapi: Path, recordings: Path) -> None:
        self._files = {
            area: json.loads((openapi / f"{_FILES.get(area, area)}.json").read_text(encoding="utf-8-sig"))
            for area in AREAS
        }
        self.recorded = Recorded(recordings)
        self._operations: dict[tuple[str, str], list[tuple[str, dict[str, Any]]]] = {}
        for name, area, operation in self._list():
            self._operations.setdefault(name, []).append((area, operation))
        self._validators: dict[tuple[str, str], Any] = {}

    def _list(self) -> Iterator[tuple[tuple[str, str], str, dict[str, Any]]]:
        for area, file in self._files.items():
            for path, methods in [*file["paths"].items(), *file.get("x-ms-paths", {}).items()]:
                for method in _METHODS:
                    if method in methods:
                        address = path.removeprefix("/{organization}").partition("?")[0]
                        yield (method.upper(), _shape(address)), area, methods[method]

    def operations(self, route: Route) -> list[tuple[str, dict[str, Any]]]:
        """The area and the published forms of a route; a call may have several. Empty when it is in no file."""
        stand_in = NOT_PUBLISHED.get(key(route), ("", None))[1]
        return self._operations.get((route.method, _shape(stand_in or route.address)), [])

    def scopes(self, route: Route) -> set[str]:
        """The scopes of which any one opens a call."""
        entries = [entry for _, operation in self.operations(route) for entry in operation.get("security", ())]
        return {scope for entry in entries for scopes in entry.values() for scope in scopes}

    def is_preview(self, route: Route) -> bool:
        """Whether version 7.1 of a call wants the -preview flag."""
        parameters = [one for _, operation in self.operations(route) for one in operation["parameters"]]
        return any("preview" in one.get("$ref", "") for one in parameters)

    def complaints(self, route: Route, answer: requests.Response) -> list[str]:
        """What of a successful answer is neither published, in one of the forms, nor recorded."""
        if not answer.headers.get("Content-Type", "").startswith("application/json"):
            return []
        forms = [
            self._complaints(area, next(iter(operation["responses"].values())).get("schema", {}), answer.json())
            for area, operation in self.operations(route)
        ]
        return min(forms, key=len, default=[])

    def _complaints(self, area: str, schema: dict[str, Any], body: Any) -> list[str]:
        if set(body) == {"count", "value"}:
            wrong = [] if body["count"] == len(body["value"]) else ["count is not the number of items"]
            each = schema.get("items", schema)
            return wrong + [problem for item in body["value"] for problem in self._judge(area, each, item)]
        return self._judge(area, schema.get("items", schema), body)

    def _judge(self, area: str, schema: dict[str, Any], item: Any) -> list[str]:
        name = json.dumps(schema, sort_keys=True)
        if (area, name) not in self._validators:
            strict = {"definitions": self._definitions(area), **schema}
            self._validators[area, name] = jsonschema.Draft4Validator(strict, format_checker=_FORMATS)
        return [
            f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in self._validators[area, name].iter_errors(item)
            if not self.recorded.excuses(error)
        ]

    def _definitions(self, area: str) -> dict[str, Any]:
        """The definitions, each with what it inherits, and closed to what they do not name."""
        raw = self._files[area]["definitions"]
        found = {name: _CORRECTED.get(name) or _closed(raw, definition) for name, definition in raw.items()}
        for (name, of), form in _CORRECTED_PROPERTIES.items():
            if name in found:
                found[name]["properties"][of] = form
        for name in _MAY_BE_NULL:
            found.get(name, {})["type"] = ["object", "null"]
        for name in _WRITES_NULL:
            properties = found.get(name, {}).get("properties", {})
            properties.update({of: {"anyOf": [form, {"type": "null"}]} for of, form in properties.items()})
        return found


def _closed(raw: dict[str, Any], definition: dict[str, Any]) -> dict[str, Any]:
    if "enum" in definition:
        return definition
    properties = dict(definition.get("properties", {}))
    for parent in definition.get("allOf", []):
        inherited = raw[parent["$ref"].rsplit("/", 1)[1]] if "$ref" in parent else parent
        properties = {**_closed(raw, inherited).get("properties", {}), **properties}
    more = definition.get("additionalProperties", False if properties else {})
    return {"type": definition.get("type", "object"), "properties": properties, "additionalProperties": more}


_FORMATS = jsonschema.FormatChecker(formats=())
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,7})?Z")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FORMATS.checks("date-time")(lambda value: not isinstance(value, str) or _INSTANT.fullmatch(value) is not None)
_FORMATS.checks("uuid")(lambda value: not isinstance(value, str) or _UUID.fullmatch(value) is not None)
_FORMATS.checks("int32")(lambda value: not isinstance(value, int) or -(2**31) <= value < 2**31)


class Recorded:
    """Every property that recordings hold, and the values that it had there."""

    def __init__(self, folder: Path) -> None:
        self._values: dict[str, set[str]] = {}
        for path in sorted((folder / "exchanges").glob("*.json")):
            self._collect(json.loads(path.read_text(encoding="utf-8-sig"))["response"]["body"])

    def _collect(self, value: Any) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                self._values.setdefault(name, set()).add(json.dumps(inner) if not isinstance(inner, dict) else "{}")
                self._collect(inner)
        elif isinstance(value, list):
            for inner in value:
                self._collect(inner)

    def has(self, name: str) -> bool:
        """Whether a property of this name was recorded."""
        return name in self._values

    def excuses(self, error: Any) -> bool:
        """Whether a recording shows what the published file does not know."""
        if error.validator == "additionalProperties":
            unknown = set(error.instance) - set(error.schema.get("properties", {}))
            return all(self.has(name) for name in unknown)
        names = [part for part in error.absolute_path if isinstance(part, str)]
        if error.validator == "enum" and names[-1] in _CAPITALS and isinstance(error.instance, str):
            return (
                error.instance[:1].isupper() and error.instance[:1].lower() + error.instance[1:] in error.schema["enum"]
            )
        return bool(names) and json.dumps(error.instance) in self._values.get(names[-1], set())


@cache
def route_of(method: str, path: str) -> Route | None:
    """The route of an address below the organization."""
    found = MAP.find(method, [part for part in path.split("/") if part][1:])
    return found.route if isinstance(found, Found) else None
