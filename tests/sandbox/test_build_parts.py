"""What belongs to one build: tags, artifacts, commits, and logs in a zip file."""

import io
import zipfile
from typing import Any

import pytest
import requests

from sandbox.server import Sandbox
from tests.sandbox.conftest import Caller

B = "/acme/Storefront/_apis/build"


def values(call: Caller, path: str, /, **params: str) -> list[Any]:
    listed: list[Any] = call("GET", path, params=params).json()["value"]
    return listed


def unzipped(answer: requests.Response) -> dict[str, bytes]:
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.testzip() is None
        return {name: packed.read(name) for name in packed.namelist()}


def test_tags_are_put_and_deleted_and_the_rest_comes_back(call: Caller) -> None:
    tags = f"{B}/builds/5/tags"
    assert call("PUT", f"{tags}/TestTag0").json() == {"count": 1, "value": ["TestTag0"]}
    assert call("POST", tags, json=["TestTag1", "TestTag2"]).json()["value"] == ["TestTag0", "TestTag1", "TestTag2"]
    assert call("DELETE", f"{tags}/TestTag2").json() == {"count": 2, "value": ["TestTag0", "TestTag1"]}
    assert values(call, tags) == ["TestTag0", "TestTag1"]
    assert call("GET", f"{B}/builds/5").json()["tags"] == ["TestTag0", "TestTag1"]


def test_a_tag_is_there_once_in_whatever_case(call: Caller) -> None:
    tags = f"{B}/builds/5/tags"
    call("PUT", f"{tags}/Nightly")
    assert call("PUT", f"{tags}/NIGHTLY").json()["value"] == ["Nightly"]
    assert call("DELETE", f"{tags}/nightly").json()["value"] == []
    assert call("DELETE", f"{tags}/nightly").json()["value"] == []


def test_a_tag_may_hold_spaces_and_slashes(call: Caller) -> None:
    assert call("PUT", f"{B}/builds/5/tags/needs%20a%2Flook").json()["value"] == ["needs a/look"]


def test_tags_are_changed_together(call: Caller) -> None:
    answer = call("PATCH", f"{B}/builds/1/tags", json={"tagsToAdd": ["new"], "tagsToRemove": ["release"]})
    assert answer.json()["value"] == ["new", "v1.0"]


def test_a_project_has_the_tags_of_its_builds(call: Caller) -> None:
    call("PUT", f"{B}/builds/5/tags/extra")
    assert values(call, f"{B}/tags") == ["extra", "release", "v1.0"]


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("PUT", "builds/5/tags/x", {}),
        ("POST", "builds/5/tags", {"json": ["x"]}),
        ("PATCH", "builds/5/tags", {"json": {"tagsToAdd": ["x"]}}),
        ("DELETE", "builds/5/tags/x", {}),
    ],
)
def test_tags_need_a_scope_a_right_and_a_build(call: Caller, method: str, path: str, more: dict[str, Any]) -> None:
    refused = call(method, f"{B}/{path}", token="read-only", **more)
    assert (refused.status_code, refused.content) == (401, b"")
    assert call(method, f"{B}/{path}", token="no-rights", **more).status_code == 403
    assert call(method, f"{B}/{path.replace('5', '2147483647')}", **more).json()["typeKey"] == "BuildNotFoundException"
    assert values(call, f"{B}/builds/5/tags") == []


@pytest.mark.parametrize(
    ("method", "body"), [("POST", [1]), ("POST", {"a": 1}), ("PATCH", {"tagsToAdd": "x"}), ("POST", [])]
)
def test_tags_that_are_no_texts_are_400(call: Caller, method: str, body: object) -> None:
    assert call(method, f"{B}/builds/5/tags", json=body).status_code == 400


def test_a_build_has_an_artifact_as_soon_as_it_published_it(call: Caller, sandbox: Sandbox) -> None:
    queued = call("POST", f"{B}/builds", json={"definition": {"id": 1}}).json()["id"]
    assert values(call, f"{B}/builds/{queued}/artifacts") == []
    sandbox.state.advance(60)
    (artifact,) = values(call, f"{B}/builds/{queued}/artifacts")
    assert (artifact["name"], artifact["resource"]["type"]) == ("drop", "Container")
    publishing = next(
        record
        for record in call("GET", f"{B}/builds/{queued}/timeline").json()["records"]
        if record["id"] == artifact["source"]
    )
    assert publishing["type"] == "Job"


def test_a_failed_build_published_nothing(call: Caller) -> None:
    failed = values(call, f"{B}/builds", resultFilter="failed", definitions="1")[0]
    assert values(call, f"{B}/builds/{failed['id']}/artifacts") == []
    answer = call("GET", f"{B}/builds/{failed['id']}/artifacts", params={"artifactName": "drop"})
    assert (answer.status_code, answer.json()["typeKey"]) == (404, "ArtifactNotFoundException")


def test_an_artifact_is_downloaded_from_the_address_that_it_names(call: Caller) -> None:
    (artifact,) = values(call, f"{B}/builds/1/artifacts")
    path = artifact["resource"]["downloadUrl"].removeprefix(call.sandbox.url)
    files = unzipped(call("GET", path, version=None))
    assert len(files) == 12
    assert files["drop/app/module-01.txt"].startswith(b"Module 1 of build 2026")
    assert sum(map(len, files.values())) == int(artifact["resource"]["properties"]["artifactsize"])


def test_an_artifact_is_zipped_for_those_who_take_zip_files(call: Caller) -> None:
    params = {"artifactName": "DROP"}
    assert unzipped(call("GET", f"{B}/builds/1/artifacts", params=params, accept="application/zip;api-version=7.1"))
    both = call("GET", f"{B}/builds/1/artifacts", params=params, accept="application/json, application/zip")
    assert both.json()["name"] == "drop"


def test_all_logs_of_a_build_come_in_a_zip_file(call: Caller) -> None:
    build = values(call, f"{B}/builds", definitions="2")[0]["id"]
    files = unzipped(call("GET", f"{B}/builds/{build}/logs", params={"$format": "zip"}))
    assert {name.partition("/")[0] for name in files} >= {"1_Linux", "1_Linux.txt"}
    compiling = next(text for name, text in files.items() if name.startswith("1_Linux/") and "Compile" in name)
    assert b"Compiling module 40 of 40" in compiling
    assert compiling in files["1_Linux.txt"]
    assert unzipped(call("GET", f"{B}/builds/{build}/logs", accept="application/zip")) == files


def test_one_log_comes_in_a_zip_file(call: Caller) -> None:
    log = f"{B}/builds/1/logs/2"
    files = unzipped(call("GET", log, params={"startLine": "2", "endLine": "3"}, accept="application/zip"))
    assert list(files) == ["2.txt"]
    assert files["2.txt"].decode().splitlines() == values(call, log, startLine="2", endLine="3")


def test_the_changes_of_a_build_are_what_the_build_before_did_not_have(call: Caller, sandbox: Sandbox) -> None:
    git = "/acme/Storefront/_apis/git/repositories/Storefront"
    head = call("GET", f"{git}/refs", params={"filter": "heads/main"}).json()["value"][0]["objectId"]
    change = {"changeType": "add", "item": {"path": "/x"}, "newContent": {"content": "x", "contentType": "rawText"}}
    wish = {
        "refUpdates": [{"name": "refs/heads/main", "oldObjectId": head}],
        "commits": [{"comment": "Add x\n\nFor a reason", "changes": [change]}],
    }
    pushed = call("POST", f"{git}/pushes", json=wish).json()["commits"][0]["commitId"]
    build = call("POST", f"{B}/builds", json={"definition": {"id": 1}}).json()["id"]
    (found,) = values(call, f"{B}/builds/{build}/changes")
    assert (found["id"], found["message"], found["type"]) == (pushed, "Add x\n\nFor a reason", "TfsGit")
    assert call("GET", found["location"].removeprefix(sandbox.url)).json()["commitId"] == pushed
    again = call("POST", f"{B}/builds", json={"definition": {"id": 1}}).json()["id"]
    assert values(call, f"{B}/builds/{again}/changes") == []


def test_changes_come_in_pages(call: Caller) -> None:
    whole = values(call, f"{B}/builds/1/changes")
    assert len(whole) > 20
    first = call("GET", f"{B}/builds/1/changes", params={"$top": "20"})
    token = first.headers["x-ms-continuationtoken"]
    second = call("GET", f"{B}/builds/1/changes", params={"$top": "20", "continuationToken": token})
    assert first.json()["value"] + second.json()["value"] == whole
    assert "x-ms-continuationtoken" not in second.headers


def test_changes_between_two_builds_are_those_of_the_later_one(call: Caller) -> None:
    side = values(call, f"{B}/builds", branchName="refs/heads/topic/search")[0]["id"]
    newer = values(call, f"{B}/changes", fromBuildId=str(side), toBuildId="1")
    assert newer[0]["message"] == "Say it twice"
    assert values(call, f"{B}/changes", fromBuildId="1", toBuildId="1") == []
    assert call("GET", f"{B}/changes", params={"fromBuildId": "1"}).status_code == 404
