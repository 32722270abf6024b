"""How JSON is written for clients that ask for numbers, dates and lists in another form."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import media_type
from sandbox.enumerations import enumeration, is_enumeration
from sandbox.routes import ROUTES
from sandbox.routing import Route
from tests.sandbox.conftest import Caller
from tests.sandbox.published import AREAS, Published, key

BUILDS = "/acme/Storefront/_apis/build/builds"
RELEASES = "/acme/Storefront/_apis/release/releases"
NUMBERS = "application/json;api-version=7.1-preview;enumsAsNumbers=true"
EVERYTHING = f"{NUMBERS};excludeUrls=true;msDateFormat=true;noArrayWrap=true"


def _schema_inside(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a thing, of the items of a list, or of the values of a dictionary."""
    schema = schema.get("anyOf", [schema])[0]
    inner = schema.get("items") or schema.get("additionalProperties")
    return _schema_inside(inner) if isinstance(inner, dict) and "$ref" not in schema else schema


class Graph:
    """Which published types lead to enumerations, beginning at the answers of the routes."""

    def __init__(self, published: Published) -> None:
        self._published = published
        self._types: dict[str, dict[str, str]] = {}
        self.answers = {key(route): of for route in ROUTES for of in self._answers(route)}

    def _answers(self, route: Route) -> Iterator[str]:
        for area, operation in self._published.operations(route):
            schema = next(iter(operation["responses"].values())).get("schema", {})
            if found := self._named(area, _schema_inside(schema)):
                yield found

    def _named(self, area: str, schema: dict[str, Any]) -> str:
        if "x-ms-enum" in schema:
            return str(schema["x-ms-enum"]["name"])
        name = schema.get("$ref", "").rpartition("/")[2]
        if name and f"{area}.{name}" not in self._types:
            self._types[f"{area}.{name}"] = {}
            inside = self._published._definitions(area)[name].get("properties", {})
            of = {inner: self._named(area, _schema_inside(schema)) for inner, schema in inside.items()}
            self._types[f"{area}.{name}"] = {inner: found for inner, found in of.items() if found}
        return f"{area}.{name}" if name else ""

    def types(self) -> dict[str, dict[str, str]]:
        """Each type that leads to an enumeration, with the properties that do."""
        leading = {name for name, of in self._types.items() if any("." not in found for found in of.values())}
        while more := {name for name, of in self._types.items() if set(of.values()) & leading} - leading:
            leading |= more
        return {
            name: {inner: of for inner, of in self._types[name].items() if "." not in of or of in leading}
            for name in leading
        }


def test_the_types_of_answers_are_the_published_ones(published: Published) -> None:
    graph = Graph(published)
    types = graph.types()
    assert media_type._lists()["types"] == types
    answers = {address: of for address, of in graph.answers.items() if of in types}
    assert {key(route): of for route in ROUTES if (of := media_type.answer_type(route))} == answers


def test_every_word_of_an_answer_has_a_number(published: Published) -> None:
    for area in AREAS:
        for name, definition in published._definitions(area).items():
            for inner, schema in definition.get("properties", {}).items():
                of = media_type.properties(f"{area}.{name}").get(inner, "")
                if is_enumeration(of):
                    words = _schema_inside(schema)["enum"]
                    assert set(words) <= set(enumeration(of).members), (name, inner)


def _enumerated(value: Any, of: str, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of an enumeration inside a value of a type, with where it stands."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _enumerated(item, of, f"{path}[{number}]")
    elif is_enumeration(of):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in media_type.properties(of).items():
            if name in value:
                yield from _enumerated(value[name], inner, f"{path}.{name}")


@pytest.mark.parametrize(
    ("path", "of", "count"),
    [
        ("/acme/_apis/projects", "core.TeamProjectReference", 200),
        (f"{BUILDS}?$top=5", "build.Build", 30),
        (f"{BUILDS}/1/timeline", "build.Timeline", 20),
        (f"{RELEASES}?$expand=environments", "release.Release", 50),
        ("/acme/Storefront/_apis/release/approvals", "release.ReleaseApproval", 2),
        ("/acme/Storefront/_apis/release/deployments", "release.Deployment", 10),
        ("/acme/Storefront/_apis/git/repositories/Storefront/items?recursionLevel=full", "git.GitItem", 10),
    ],
)
def test_each_enumeration_of_an_answer_is_a_number_when_asked_for(call: Caller, path: str, of: str, count: int) -> None:
    words = call("GET", path, version="7.1-preview").json()
    numbers = call("GET", path, version=None, accept=NUMBERS).json()
    by_word, by_number = (list(_enumerated(body.get("value", body), of)) for body in (words, numbers))
    assert len(by_word) >= count
    assert [where for where, _ in by_word] == [where for where, _ in by_number]
    assert all(isinstance(word, str | None) for _, word in by_word)
    assert all(isinstance(number, int | None) for _, number in by_number)


def test_some_numbers_are_these(call: Caller) -> None:
    build = call("GET", f"{BUILDS}?resultFilter=failed&$top=1", version=None, accept=NUMBERS).json()["value"][0]
    assert (build["status"], build["result"], build["definition"]["queueStatus"]) == (2, 8, 0)
    assert build["definition"]["project"]["visibility"] == 0
    assert build["buildNumber"].startswith("2026")
    pending = call("GET", "/acme/Storefront/_apis/release/approvals", version=None, accept=NUMBERS).json()["value"][0]
    assert (pending["status"], pending["approvalType"]) == (1, 1)


def test_lists_times_and_enumerations_are_written_as_asked(call: Caller) -> None:
    usual = call("GET", f"{BUILDS}?$top=2").json()["value"]
    answer = call("GET", f"{BUILDS}?$top=2", version=None, accept=EVERYTHING)
    builds = answer.json()
    assert [build["id"] for build in builds] == [build["id"] for build in usual]
    assert answer.headers["x-ms-continuationtoken"]
    assert re.fullmatch(r"/Date\(17\d{11}\)/", builds[0]["queueTime"])
    assert f'"queueTime":"\\/Date({builds[0]["queueTime"][6:19]})\\/"' in answer.text
    assert "\\/" not in re.sub(r'"\\/Date\(-?\d+\)\\/"', "", answer.text)


def test_a_time_without_a_zone_is_long_ago(call: Caller) -> None:
    timeline = call("GET", f"{BUILDS}/1/timeline", version=None, accept=EVERYTHING).json()
    assert {record["lastModified"] for record in timeline["records"]} == {"/Date(-62135596800000)/"}


def test_an_error_in_the_shape_of_a_list_is_unwrapped_too(call: Caller) -> None:
    answer = call("GET", f"{BUILDS}?statusFilter=bogus", version=None, accept=EVERYTHING)
    assert answer.json() == {"Message": "The value 'bogus' is not valid for statusFilter."}
    missing = call("GET", f"{BUILDS}/2147483647", version=None, accept=EVERYTHING).json()
    assert missing["typeKey"] == "BuildNotFoundException"


@pytest.mark.parametrize("accept", ["application/json", "application/json;enumsAsNumbers=false", "*/*"])
def test_without_the_options_everything_is_as_published(call: Caller, accept: str) -> None:
    found = call("GET", f"{BUILDS}/1", accept=accept)
    assert json.loads(found.content)["status"] == "completed"


def test_what_is_no_json_is_left_alone(call: Caller) -> None:
    path = "/acme/Storefront/_apis/git/repositories/Storefront/items?path=/README.md"
    answer = call("GET", path, version=None, accept="text/plain;api-version=7.1;enumsAsNumbers=true;msDateFormat=true")
    assert answer.text.startswith("# Storefront")
    assert call("GET", "/stopped/_apis/projects", accept=EVERYTHING).content.startswith(b"\xef\xbb\xbf")
