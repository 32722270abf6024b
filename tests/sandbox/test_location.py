"""What every client asks first. Nothing of it is published, so it is held against recordings."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.routes import LOCATION, ROUTES, TOKENS
from sandbox.routing import Route
from sandbox.samples import SAMPLES
from tests.sandbox.conftest import Caller
from tests.sandbox.published import key


def shape(value: Any) -> Any:
    """The names and types of a value; a list is like its first item."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def recorded(recordings: Path, family: str, method: str) -> list[Any]:
    found = [json.loads(path.read_text(encoding="utf-8-sig")) for path in sorted(recordings.glob(f"{family}-*.json"))]
    return [one["response"]["body"] for one in found if one["request"]["method"] == method]


def test_connection_data_has_the_form_that_was_recorded(call: Caller, recordings: Path) -> None:
    answer = call("GET", "/acme/_apis/connectionData", version="7.1-preview")
    assert shape(answer.json()) in [shape(one) for one in recorded(recordings, "location-connectiondata", "GET")]


def test_the_list_of_addresses_has_the_form_that_was_recorded(call: Caller, recordings: Path) -> None:
    answer = call("OPTIONS", "/acme/_apis", version=None)
    assert shape(answer.json()) in [shape(one) for one in recorded(recordings, "location-options", "OPTIONS")]


# Not in the recordings, which are of 2020. The official Python client knows its id.
NEWER = {("53df2d18-29ea-46a9-bee0-933540f80abf", "{project}/_apis/{area}/{pipelineId}/{resource}")}


def test_the_ids_of_addresses_are_those_that_were_recorded(call: Caller, recordings: Path) -> None:
    known = {
        (one["id"], one["routeTemplate"])
        for listed in recorded(recordings, "location-options", "OPTIONS")
        for one in listed["value"]
    }
    items = call("OPTIONS", "/acme/_apis", version=None).json()["value"]
    assert {(one["id"], one["routeTemplate"]) for one in items} - known == NEWER


def test_the_list_of_areas_has_the_form_that_was_recorded(call: Caller, recordings: Path) -> None:
    answer = call("GET", "/acme/_apis/ResourceAreas", version="7.1-preview")
    assert shape(answer.json()) in [shape(one) for one in recorded(recordings, "location-resourceareas", "GET")]
    known = {one["id"] for listed in recorded(recordings, "location-resourceareas", "GET") for one in listed["value"]}
    assert {one["id"] for one in answer.json()["value"]} <= known


def test_one_area_can_be_asked_for_by_its_id(call: Caller) -> None:
    areas = call("GET", "/acme/_apis/ResourceAreas", version="7.1-preview").json()["value"]
    one = call("GET", f"/acme/_apis/ResourceAreas/{areas[1]['id']}", version="7.1-preview")
    assert one.json() == areas[1]
    assert call("GET", "/acme/_apis/ResourceAreas/nothing", version="7.1-preview").status_code == 404


def test_the_addresses_of_one_area_can_be_asked_for(call: Caller) -> None:
    items = call("OPTIONS", "/acme/_apis/git", version=None).json()["value"]
    assert {one["area"] for one in items} == {"git"}


def _listed(route: Route, items: list[dict[str, str]]) -> bool:
    """Whether some listed address, with what may follow it left away, is that of a route."""
    parts = route.address.lower().split("/")
    for item in items:
        filled = item["routeTemplate"].replace("{area}", item["area"]).replace("{resource}", item["resourceName"])
        template = filled.lower().split("/")
        for start in (0, 1 if template[0] == "{project}" else 0):
            wanted = template[start:]
            short = len(parts) == len(wanted) - 1 and wanted[-1].startswith("{")
            if (len(parts) == len(wanted) or short) and all(
                is_ == should or (is_.startswith("{") and should.startswith("{"))
                for is_, should in zip(parts, wanted, strict=False)
            ):
                return True
    return False


def test_every_route_is_in_the_list_of_addresses(call: Caller) -> None:
    items = call("OPTIONS", "/acme/_apis", version=None).json()["value"]
    # The service has tokens on a host of their own.
    elsewhere = (*LOCATION, *TOKENS)
    missing = {key(route) for route in ROUTES if route not in elsewhere and not _listed(route, items)}
    assert missing == set()


@pytest.mark.parametrize("token", [one.name for one in SAMPLES if one.name in ("code-only", "no-build", "no-rights")])
def test_whose_token_it_is_needs_no_scope(call: Caller, token: str) -> None:
    answer = call("GET", "/acme/_apis/connectionData", token=token, version="7.1-preview")
    assert answer.json()["authenticatedUser"]["id"] == answer.headers["X-VSS-UserData"].partition(":")[0]
