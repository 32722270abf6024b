"""What the parameters of Git calls find and add, pushes, folders by id, and zip files."""

import io
import stat
import zipfile
from typing import Any

import pytest
import requests

from sandbox.people import Person
from sandbox.repositories import NOTHING
from sandbox.sample_code import MAYA, NOOR
from sandbox.server import Sandbox
from tests.sandbox.conftest import Caller

P = "/acme/Storefront/_apis/git/repositories"
G = f"{P}/Storefront"


def values(call: Caller, path: str, /, **params: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = call("GET", path, params=params).json()["value"]
    return listed


def history(call: Caller, **params: str) -> list[str]:
    """The messages of commits; the prefix of the parameters may be left out."""
    return [commit["comment"] for commit in values(call, f"{G}/commits", **params)]


def head(call: Caller, branch: str = "main") -> str:
    ref: str = values(call, f"{G}/refs", filter=f"heads/{branch}")[0]["objectId"]
    return ref


def push(call: Caller, kind: str, path: str, text: str | None = None) -> dict[str, Any]:
    change: dict[str, Any] = {"changeType": kind, "item": {"path": path}}
    if text is not None:
        change["newContent"] = {"content": text, "contentType": "rawText"}
    commits = [{"comment": f"{kind} {path}", "changes": [change]}]
    update = {"name": "refs/heads/main", "oldObjectId": head(call)}
    answer = call("POST", f"{G}/pushes", json={"refUpdates": [update], "commits": commits})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def packed(answer: requests.Response) -> zipfile.ZipFile:
    assert answer.ok, answer.text
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    return zipfile.ZipFile(io.BytesIO(answer.content))


def test_commits_are_found_by_their_ids_in_the_asked_order(call: Caller) -> None:
    ids = [commit["commitId"] for commit in values(call, f"{G}/commits")]
    wanted = [ids[5], ids[1], ids[5], "0" * 40]
    found = values(call, f"{G}/commits", **{"searchCriteria.ids": ",".join(wanted)})
    assert [commit["commitId"] for commit in found] == [ids[5], ids[1]]
    # https://github.com/microsoft/azure-devops-extension-api/issues/34
    assert "remoteUrl" not in found[0]


def test_commits_are_found_by_ids_however_a_client_writes_a_list(call: Caller) -> None:
    first, second = (commit["commitId"] for commit in values(call, f"{G}/commits")[:2])
    repeated = call("GET", f"{G}/commits?searchCriteria.ids={first}&searchCriteria.ids={second}").json()
    assert [commit["commitId"] for commit in repeated["value"]] == [first, second]
    numbered = values(call, f"{G}/commits", **{"searchCriteria.ids.0": first, "searchCriteria.ids.1": second})
    assert numbered == repeated["value"]


def test_a_comparison_lists_what_the_compared_version_has_beside_the_other(call: Caller) -> None:
    newer = history(
        call,
        **{"itemVersion.version": "v1.0", "itemVersion.versionType": "tag", "compareVersion.version": "topic/search"},
    )
    assert newer == ["Add documents"]
    assert history(call, **{"itemVersion.version": "main", "compareVersion.version": "topic/search"}) == []
    # "Only applicable when ItemVersion specified."
    assert history(call, **{"compareVersion.version": "topic/search"}) == history(call)


def test_the_oldest_commits_come_first_when_asked_and_no_version_matters(call: Caller) -> None:
    oldest = history(call, showOldestCommitsFirst="true", **{"itemVersion.version": "topic/search"})
    assert oldest == history(call)[::-1]
    assert oldest[0] == "Begin"


def test_the_first_parent_of_a_version_can_be_asked_for(call: Caller) -> None:
    assert history(call, **{"itemVersion.versionOptions": "FirstParent"}) == history(call)[1:]
    begin = values(call, f"{G}/commits")[-1]["commitId"]
    params = {"itemVersion.version": begin, "itemVersion.versionType": "commit"}
    assert (
        call("GET", f"{G}/commits", params={**params, "itemVersion.versionOptions": "firstParent"}).status_code == 404
    )
    previous = call("GET", f"{G}/commits", params={**params, "itemVersion.versionOptions": "previousChange"})
    assert previous.status_code == 501


def test_deletions_can_be_left_out_of_the_history_of_a_path(call: Caller) -> None:
    push(call, "add", "/short-lived.txt", "x")
    push(call, "delete", "/short-lived.txt")
    path = {"itemPath": "/short-lived.txt"}
    assert history(call, **path) == ["delete /short-lived.txt", "add /short-lived.txt"]
    assert history(call, **path, excludeDeletes="true") == ["add /short-lived.txt"]


def test_commits_say_more_when_asked(call: Caller) -> None:
    asked = {f"searchCriteria.{name}": "true" for name in ("includeLinks", "includePushData", "includeUserImageUrl")}
    plain, rich = values(call, f"{G}/commits")[0], values(call, f"{G}/commits", **asked)[0]
    assert not {"_links", "push"} & set(plain)
    assert rich["_links"]["changes"]["href"] == f"{plain['url']}/changes"
    whole = call("GET", f"{G}/commits/{plain['commitId']}").json()
    assert rich["push"] == whole["push"]
    assert rich["author"]["imageUrl"] == whole["push"]["pushedBy"]["imageUrl"]


def test_the_changes_of_a_commit_are_paged_by_number(call: Caller) -> None:
    path = f"{G}/commits/{head(call, 'topic/search')}/changes"
    whole = call("GET", path).json()
    page = call("GET", path, params={"skip": "2", "top": "3"}).json()
    assert page["changes"] == whole["changes"][2:5]
    assert page["changeCounts"] == whole["changeCounts"] == {"Add": 8}


@pytest.mark.parametrize("path", ["/acme/_apis/git/repositories", P])
def test_repositories_bring_links_when_asked(call: Caller, path: str) -> None:
    assert "_links" not in values(call, path)[0]
    listed = values(call, path, includeLinks="true")[0]
    assert listed == call("GET", f"{P}/{listed['id']}").json()


def test_refs_bring_links_when_asked(call: Caller) -> None:
    ref = values(call, f"{G}/refs", includeLinks="true", filter="heads/main")[0]
    assert ref["_links"] == {"self": {"href": ref["url"]}, "repository": {"href": ref["url"].partition("/refs")[0]}}


def test_my_branches_are_those_that_i_made_and_the_default_one(call: Caller, sandbox: Sandbox) -> None:
    repository = sandbox.state.organizations["acme"].projects[0].repositories[0]

    def expected(person: Person) -> list[str]:
        return [
            name
            for name, sha in sorted(repository.refs.items())
            if name.startswith("refs/heads/")
            and (repository.commits[sha].author == person or name == "refs/heads/main")
        ]

    own = [ref["name"] for ref in values(call, f"{G}/refs", includeMyBranches="true")]
    assert own == expected(MAYA)
    answer = call("GET", f"{G}/refs", token="full-colleague", params={"includeMyBranches": "true"})
    others = [ref["name"] for ref in answer.json()["value"]]
    assert others == expected(NOOR)
    assert own != others
    assert call("GET", f"{G}/refs", params={"includeMyBranches": "true", "filter": "heads/"}).status_code == 400


def test_branches_are_compared_with_the_asked_version(call: Caller) -> None:
    base = {"baseVersionDescriptor.version": "topic/search"}
    stats = {branch["name"]: branch for branch in values(call, f"{G}/stats/branches", **base)}
    assert (stats["topic/search"]["aheadCount"], stats["topic/search"]["isBaseVersion"]) == (0, True)
    assert (stats["main"]["behindCount"], stats["main"]["isBaseVersion"]) == (0, False)
    assert stats["main"]["aheadCount"] == len(history(call)) - 4


def test_each_push_is_listed_newest_first(call: Caller) -> None:
    made = push(call, "add", "/pushed.txt", "x")
    listed = values(call, f"{G}/pushes", **{"$top": "2"})
    assert [one["pushId"] for one in listed] == [made["pushId"], made["pushId"] - 1]
    assert listed[0]["pushedBy"]["uniqueName"] == "maya@example.com"
    assert not {"refUpdates", "_links", "commits"} & set(listed[0])
    assert values(call, f"{G}/pushes", **{"$skip": "1", "$top": "1"}) == listed[1:]


def test_a_push_is_read_by_its_number_with_what_is_asked_for(call: Caller) -> None:
    made = push(call, "add", "/pushed.txt", "x")
    path = f"{G}/pushes/{made['pushId']}"
    plain = call("GET", path).json()
    assert (plain["commits"], "refUpdates" in plain) == ([], False)
    assert plain["url"] == made["url"]
    rich = call("GET", path, params={"includeCommits": "10", "includeRefUpdates": "true"}).json()
    assert [commit["commitId"] for commit in rich["commits"]] == [made["commits"][0]["commitId"]]
    assert rich["refUpdates"] == made["refUpdates"]
    assert call("GET", f"{G}/commits/{made['commits'][0]['commitId']}").json()["push"]["pushId"] == made["pushId"]
    assert [one["comment"] for one in values(call, f"{G}/commits", pushId=str(made["pushId"]))] == ["add /pushed.txt"]


def test_pushes_are_found_by_ref_person_and_time(call: Caller, sandbox: Sandbox) -> None:
    sandbox.state.advance(3600)
    update = {"name": "refs/heads/made", "oldObjectId": NOTHING, "newObjectId": head(call)}
    call("POST", f"{G}/refs", json=[update], token="full-colleague")
    (made,) = values(call, f"{G}/pushes", refName="refs/heads/made", includeRefUpdates="true")
    assert made["pushedBy"]["uniqueName"] == "noor@example.com"
    assert made["refUpdates"][0]["newObjectId"] == head(call)
    of_noor = values(call, f"{G}/pushes", pusherId=NOOR.id)
    assert {one["pushedBy"]["id"] for one in of_noor} == {NOOR.id}
    assert made["pushId"] in {one["pushId"] for one in of_noor}
    assert [one["pushId"] for one in values(call, f"{G}/pushes", fromDate="2026-11-25T12:30:00Z")] == [made["pushId"]]
    assert made["pushId"] not in {one["pushId"] for one in values(call, f"{G}/pushes", toDate="2026-11-25T12:30:00Z")}


def test_a_refused_ref_update_is_no_push(call: Caller) -> None:
    before = values(call, f"{G}/pushes")
    call("POST", f"{G}/refs", json=[{"name": "refs/heads/main", "oldObjectId": NOTHING, "newObjectId": head(call)}])
    assert values(call, f"{G}/pushes") == before


def test_the_refs_of_a_repository_are_what_its_pushes_left(sandbox: Sandbox) -> None:
    for repository in sandbox.state.organizations["acme"].projects[0].repositories:
        left: dict[str, str] = {}
        for one in repository.pushes:
            for update in one.updates:
                assert left.get(update.name, NOTHING) == update.old
                left[update.name] = update.new
        assert {name: sha for name, sha in left.items() if sha != NOTHING} == repository.refs


@pytest.mark.parametrize("path", ["pushes/9999", "commits?pushId=9999"])
def test_a_push_that_is_not_there_is_404(call: Caller, path: str) -> None:
    answer = call("GET", f"{G}/{path}")
    assert (answer.status_code, answer.json()["typeKey"]) == (404, "GitPushNotFoundException")


def test_a_folder_is_read_by_its_id(call: Caller) -> None:
    root = call("GET", f"{G}/trees/{call('GET', f'{G}/commits/{head(call)}').json()['treeId']}").json()
    entries = {entry["relativePath"]: entry for entry in root["treeEntries"]}
    assert (entries["README.md"]["mode"], entries["src"]["mode"]) == ("100644", "40000")
    sources = call("GET", entries["src"]["url"].removeprefix(call.sandbox.url), params={"recursive": "true"}).json()
    assert {"app.py", "web", "web/index.html", "web/very/deep/folder/file.txt"} <= {
        entry["relativePath"] for entry in sources["treeEntries"]
    }
    assert call("GET", f"{G}/trees/{'0' * 40}").json()["typeKey"] == "GitObjectDoesNotExistException"


def test_a_folder_comes_zipped_by_path_and_by_id(call: Caller) -> None:
    by_path = call("GET", f"{G}/items", params={"scopePath": "/src", "recursionLevel": "full", "$format": "zip"})
    # Measured: the service says neither application/zip nor where the folder lies.
    assert by_path.headers["Content-Type"] == "application/octet-stream"
    files = packed(by_path)
    assert {"app.py", "web/index.html"} <= set(files.namelist())
    assert files.read("app.py") == b'print("hello hello")\n'
    (folder,) = values(call, f"{G}/items", scopePath="/src")
    by_id = packed(call("GET", f"{G}/trees/{folder['objectId']}", accept="application/zip"))
    assert by_id.namelist() == files.namelist()


def test_a_whole_repository_comes_zipped_as_people_download_it(call: Caller) -> None:
    params = {
        "path": "/",
        "versionDescriptor.version": "main",
        "resolveLfs": "true",
        "$format": "zip",
        "download": "true",
    }
    answer = call("GET", f"{G}/items", params=params)
    assert 'filename="Storefront.zip"' in answer.headers["Content-Disposition"]
    listed = values(call, f"{G}/items", scopePath="/", recursionLevel="full")
    files = {item["path"].removeprefix("/") for item in listed if item["gitObjectType"] == "blob"}
    assert set(packed(answer).namelist()) == files


def test_a_file_comes_zipped_by_path_and_by_id(call: Caller) -> None:
    by_path = packed(call("GET", f"{G}/items", params={"path": "/docs/utf-16.txt", "$format": "zip"}))
    content = "Two bytes for each letter.\n".encode("utf-16")
    assert [by_path.read(name) for name in by_path.namelist()] == [content]
    item = call("GET", f"{G}/items", params={"path": "/docs/utf-16.txt"}).json()
    by_id = call("GET", f"{G}/blobs/{item['objectId']}", params={"fileName": "日本.txt"}, accept="application/zip")
    assert packed(by_id).read("日本.txt") == content
    assert "filename*=UTF-8''%E6%97%A5%E6%9C%AC.txt.zip" in by_id.headers["Content-Disposition"]


def test_several_files_come_zipped_by_their_ids(call: Caller) -> None:
    paths = ("/README.md", "/docs/empty.txt")
    ids = [call("GET", f"{G}/items", params={"path": path}).json()["objectId"] for path in paths]
    answer = call("POST", f"{G}/blobs", json=ids, token="code-only", params={"filename": "two"})
    files = packed(answer)
    assert files.namelist() == ids
    assert files.read(ids[1]) == b""
    assert 'filename="two.zip"' in answer.headers["Content-Disposition"]
    missing = call("POST", f"{G}/blobs", json=[*ids, "0" * 40])
    assert missing.json()["typeKey"] == "GitObjectDoesNotExistException"


def test_a_zip_for_unix_keeps_permissions(call: Caller) -> None:
    for unix in ("true", "false"):
        params = {"scopePath": "/docs", "$format": "zip", "zipForUnix": unix}
        modes = {entry.external_attr >> 16 for entry in packed(call("GET", f"{G}/items", params=params)).infolist()}
        assert modes == ({stat.S_IFREG | 0o644} if unix == "true" else {0})


def test_a_path_that_is_not_there_cannot_be_zipped(call: Caller) -> None:
    for params in ({"path": "/gone", "$format": "zip"}, {"scopePath": "/gone", "$format": "zip"}):
        assert call("GET", f"{G}/items", params=params).json()["typeKey"] == "GitItemNotFoundException"


def test_a_file_is_downloaded_under_a_name(call: Caller) -> None:
    answer = call("GET", f"{G}/items", params={"path": "/docs/with-mark.txt", "download": "true"})
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="with-mark.txt"')
    item = call("GET", f"{G}/items", params={"path": "/docs/with-mark.txt"}).json()
    blob = call("GET", f"{G}/blobs/{item['objectId']}", params={"download": "true", "fileName": 'a "b".txt'})
    assert blob.content == answer.content
    assert blob.headers["Content-Disposition"].startswith('attachment; filename="a _b_.txt"')


def test_a_path_and_a_depth_do_not_go_together(call: Caller) -> None:
    # Measured: https://learn.microsoft.com/rest/api/azure/devops/git/items/get lists both, and the service refuses it.
    answer = call("GET", f"{G}/items", params={"path": "/", "recursionLevel": "OneLevel"})
    assert (answer.status_code, answer.json()["typeKey"]) == (400, "ArgumentException")
    assert 'Use the "scopePath" query parameter' in answer.json()["message"]
    assert call("GET", f"{G}/items", params={"path": "/", "recursionLevel": "None"}).status_code == 200


def test_items_bring_links_when_asked(call: Caller) -> None:
    listed = values(call, f"{G}/items", scopePath="/src", recursionLevel="oneLevel", includeLinks="true")
    for item in listed:
        kind = item["gitObjectType"]
        assert item["_links"][kind]["href"].endswith(f"/{kind}s/{item['objectId']}")
        assert call("GET", item["_links"][kind]["href"].removeprefix(call.sandbox.url)).ok
