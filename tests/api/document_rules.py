"""Rules for the OpenAPI document beyond those of the specification, each with what breaks it."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]
_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_PATH = re.compile(r"/api/v1(/[a-z][a-z0-9-]*|/\{[a-z_]+\})+")
_BOUNDED = {
    "string": ("maxLength", "enum", "format", "pattern", "const"),
    "array": ("maxItems",),
    "integer": ("maximum", "enum", "const"),
}


def operations(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each operation with its method and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def paths_are_plain(document: Document) -> Iterator[str]:
    """Lower case, words joined by hyphens, no slash at the end, each parameter declared once as required."""
    for path, methods in document["paths"].items():
        if not _PATH.fullmatch(path):
            yield f"{path}: no plain path"
        for method, operation in methods.items():
            declared = [
                parameter["name"]
                for parameter in operation.get("parameters", [])
                if parameter["in"] == "path" and parameter["required"]
            ]
            if sorted(declared) != sorted(re.findall(r"\{(\w+)\}", path)):
                yield f"{method.upper()} {path}: parameters of the path are {declared}"


def operations_are_described(document: Document) -> Iterator[str]:
    """A unique id in snake case, a summary that is a heading, a description that is a sentence, one tag."""
    ids: set[str] = set()
    for name, operation in operations(document):
        operation_id = operation["operationId"]
        if operation_id in ids or not _SNAKE.fullmatch(operation_id) or "_" not in operation_id:
            yield f"{name}: operationId {operation_id}"
        ids.add(operation_id)
        summary, description = operation.get("summary", ""), operation.get("description", "")
        if not summary or summary.endswith(".") or len(summary) > 60:
            yield f"{name}: summary {summary!r}"
        if not description.endswith("."):
            yield f"{name}: description {description!r}"
        if len(operation.get("tags", [])) != 1:
            yield f"{name}: needs one tag"


def operations_are_protected(document: Document) -> Iterator[str]:
    """Each requires an API token, and names the permissions that the token needs."""
    for name, operation in operations(document):
        if operation.get("security") != [{"ApiToken": []}] or not operation.get("x-permissions"):
            yield f"{name}: not protected"


def problems_have_one_form(document: Document) -> Iterator[str]:
    """Each error is a `Problem`, and what every operation can answer is declared by every operation."""
    expected = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for name, operation in operations(document):
        responses = {str(status): response for status, response in operation["responses"].items()}
        for status, response in responses.items():
            if int(status) >= 400 and response.get("content") != expected:
                yield f"{name}: response {status} is no problem"
        missing = {"401", "403", "422", "429", "500", "503"} - set(responses)
        if "{" in name:
            missing |= {"404"} - set(responses)
        if "requestBody" in operation:
            missing |= {"400", "413", "415"} - set(responses)
        if missing:
            yield f"{name}: does not declare {', '.join(sorted(missing))}"


def success_is_unambiguous(document: Document) -> Iterator[str]:
    """One good response; one that creates or accepts says where to look."""
    for name, operation in operations(document):
        good = {status: response for status, response in operation["responses"].items() if int(status) < 400}
        if len(good) != 1:
            yield f"{name}: {len(good)} good responses"
        for status, response in good.items():
            if int(status) in (201, 202) and "Location" not in response.get("headers", {}):
                yield f"{name}: response {status} has no Location"


# Azure DevOps decides how many items a page has.
_DIVIDED_BY_AZURE_DEVOPS = {"list_builds", "list_releases"}


def lists_have_pages(document: Document) -> Iterator[str]:
    """A list with a `cursor` has a `limit` and a link to the next page, in its body and as a header."""
    for name, operation in operations(document):
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        if "cursor" not in names:
            continue
        response = next(iter(operation["responses"].values()))
        schema = next(iter(response["content"].values()))["schema"]
        fields = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"]
        has_limit = "limit" in names or operation["operationId"] in _DIVIDED_BY_AZURE_DEVOPS
        if not has_limit or "next" not in fields or "Link" not in response.get("headers", {}):
            yield f"{name}: pages need limit, next and Link"


def names_are_in_snake_case(document: Document) -> Iterator[str]:
    """Fields and parameters; headers keep their own spelling."""
    for name, schema in document["components"]["schemas"].items():
        yield from (f"{name}.{field}: name" for field in schema.get("properties", {}) if not _SNAKE.fullmatch(field))
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            if parameter["in"] != "header" and not _SNAKE.fullmatch(parameter["name"]):
                yield f"{name}: parameter {parameter['name']}"


def input_is_bounded(document: Document) -> Iterator[str]:
    """Every string, list and number of a request has a limit, and bodies have no other fields."""
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            yield from _unbounded(f"{name}: {parameter['name']}", parameter["schema"], document)
        for content in operation.get("requestBody", {}).get("content", {}).values():
            yield from _unbounded(f"{name}: body", content["schema"], document)


def _unbounded(place: str, schema: Mapping[str, Any], document: Document) -> Iterator[str]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for option in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from _unbounded(place, option, document)
    kind = str(schema.get("type"))
    if kind in _BOUNDED and not any(keyword in schema for keyword in _BOUNDED[kind]):
        yield f"{place}: {kind} without a limit"
    if kind == "object" and schema.get("additionalProperties") is not False:
        yield f"{place}: accepts unknown fields"
    for field, about in schema.get("properties", {}).items():
        yield from _unbounded(f"{place}.{field}", about, document)
    if "items" in schema:
        yield from _unbounded(f"{place}[]", schema["items"], document)


def schemas_are_described_and_used(document: Document) -> Iterator[str]:
    """Each has a description that is a sentence, and something refers to it."""
    text = repr(document)
    for name, schema in document["components"]["schemas"].items():
        # An enumeration has its name and values.
        if "enum" not in schema and not schema.get("description", "").endswith("."):
            yield f"{name}: description"
        if f"'#/components/schemas/{name}'" not in text:
            yield f"{name}: nothing refers to it"


RULES: tuple[Callable[[Document], Iterator[str]], ...] = (
    paths_are_plain,
    operations_are_described,
    operations_are_protected,
    problems_have_one_form,
    success_is_unambiguous,
    lists_have_pages,
    names_are_in_snake_case,
    input_is_bounded,
    schemas_are_described_and_used,
)
