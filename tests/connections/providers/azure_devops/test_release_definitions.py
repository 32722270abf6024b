"""Release pipelines with their stages and sources, and the versions of what they deploy."""

from typing import Any

import pytest

from connections.providers.azure_devops import release
from connections.providers.azure_devops.release_models import Definition, PlannedStage, Source
from tests.connections.providers.azure_devops.conftest import Asking
from tests.connections.providers.azure_devops.loopback import answer, json_answer, listing
from tests.connections.providers.azure_devops.releases import HERE, NEXT, RELEASE, WEB, P

AUTOMATED = {"approvals": [{"isAutomated": True}]}
DEFINITION: dict[str, Any] = {
    "id": 2,
    "name": "shop-cd",
    "path": "\\Shop",
    "environments": [
        {"id": 11, "name": "Live", "rank": 2, "preDeployApprovals": {"approvals": [{"isAutomated": False}]}},
        {"id": 10, "name": "Test", "rank": 1, "preDeployApprovals": AUTOMATED, "postDeployApprovals": AUTOMATED},
    ],
    "artifacts": [
        {
            "alias": "shop",
            "type": "Build",
            "isPrimary": True,
            "definitionReference": {"definition": {"id": "23", "name": "shop-ci"}, "project": {"id": "p-1"}},
        },
        {"alias": "acr", "type": "AzureContainerRepository"},
    ],
    "_links": WEB,
}
SHOP = Source("shop", "Build", "23", "shop-ci", "p-1")


def test_release_pipelines_are_read_with_their_stages_and_sources(asking: Asking) -> None:
    server, transport = asking(
        json_answer(listing(DEFINITION), (NEXT, "3")), json_answer(listing({"id": 3, "name": "x"}))
    )
    found = [one for page in release.definitions(transport, P) for one in page.items]
    assert found == [
        Definition(
            id=2,
            name="shop-cd",
            path="\\Shop",
            stages=(PlannedStage(10, "Test", 1), PlannedStage(11, "Live", 2)),
            sources=(SHOP, Source("acr", "AzureContainerRepository")),
            web_url="https://dev.azure.com/acme/x/_release?releaseId=178",
        ),
        Definition(3, "x"),
    ]
    assert server.seen[0].query == "$top=100&$expand=environments%2Cartifacts&api-version=7.1"


def test_the_list_of_release_pipelines_names_the_newest_release_of_each(asking: Asking) -> None:
    named = {"id": 2, "name": "shop-cd", "lastRelease": {"id": 178, "name": "Release-132"}}
    server, transport = asking(json_answer(listing(named, {"id": 3, "name": "x", "lastRelease": None})))
    (page,) = release.definitions(transport, P, with_latest=True)
    assert [one.latest_id for one in page.items] == [178, None]
    assert "$expand=environments%2Cartifacts%2ClastRelease&" in server.seen[0].query


def test_releases_are_asked_for_by_their_numbers_some_at_a_time(asking: Asking) -> None:
    server, transport = asking(json_answer(listing(RELEASE)), json_answer(listing({"id": 30, "name": "Release-30"})))
    assert [one.id for one in release.releases_by_ids(transport, P, range(1, 31)).items] == [178, 30]
    assert [one.query.count("%2C") for one in server.seen] == [2 + 24, 2 + 4]


def test_release_pipelines_are_searched(asking: Asking) -> None:
    server, transport = asking(json_answer(listing()))
    release.definitions_page(transport, P, search="shop cd")
    assert "searchText=shop%20cd&" in server.seen[0].query


def test_one_release_pipeline_is_asked_for_by_its_number(asking: Asking) -> None:
    server, transport = asking(json_answer(DEFINITION))
    assert release.definition(transport, P, 2).name == "shop-cd"
    assert server.seen[0].path == f"{HERE}/definitions/2"


def test_the_versions_of_a_build_artifact_are_its_good_builds(asking: Asking) -> None:
    build = {"id": 358, "buildNumber": "20190713.1", "status": "completed", "result": "succeeded"}
    server, transport = asking(json_answer(listing(build)))
    (found,) = release.artifact_versions(transport, P, SHOP)
    assert (found.id, found.number) == (358, "20190713.1")
    assert server.seen[0].path == "/acme/p-1/_apis/build/builds"
    assert "definitions=23&statusFilter=completed&resultFilter=succeeded%2CpartiallySucceeded" in server.seen[0].query


@pytest.mark.parametrize("source", [Source("acr", "GitHub", "23"), Source("a", "Build"), Source("a", "Build", "x")])
def test_the_versions_of_other_sources_are_not_listed(asking: Asking, source: Source) -> None:
    server, transport = asking(answer(500))
    assert release.artifact_versions(transport, P, source) == ()
    assert server.seen == []
