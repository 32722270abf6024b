"""Repositories: lists, branches, history, files, and what changes them."""

import base64
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.repositories import NOTHING, blob_id, tree_id
from sandbox.sample_code import LARGE
from sandbox.samples import PROJECT_COUNT
from sandbox.server import Sandbox
from tests.needs import need
from tests.sandbox.conftest import Caller

P = "/acme/Storefront/_apis/git/repositories"
G = f"{P}/Storefront"


def values(call: Caller, path: str, /, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call("GET", path, params=params).json()["value"]
    return found


def head(call: Caller, branch: str = "main", where: str = G) -> str:
    return str(values(call, f"{where}/refs", filter=f"heads/{branch}")[0]["objectId"])


def change(kind: str, path: str, content: str | None = None, **more: Any) -> dict[str, Any]:
    new = {} if content is None else {"newContent": {"content": content, "contentType": "rawText"}}
    return {"changeType": kind, "item": {"path": path}, **new, **more}


def push(call: Caller, old: str, *changes: dict[str, Any], branch: str = "main", where: str = G) -> Any:
    body = {
        "refUpdates": [{"name": f"refs/heads/{branch}", "oldObjectId": old}],
        "commits": [{"comment": "Change\n\nThoroughly.", "changes": list(changes)}],
    }
    return call("POST", f"{where}/pushes", json=body)


def content(call: Caller, path: str, **params: str) -> bytes:
    return call("GET", f"{G}/items", params={"path": path, **params}, accept="*/*").content


def test_disabled_and_empty_repositories_are_listed(call: Caller) -> None:
    listed = {one["name"]: one for one in values(call, P)}
    assert list(listed) == ["Storefront", "web client", "Empty", "Archived"]
    assert listed["Archived"]["isDisabled"] is True
    assert "defaultBranch" not in listed["Empty"]
    assert listed["Empty"]["size"] == 0
    assert listed["web client"]["defaultBranch"] == "refs/heads/develop"
    assert listed["Storefront"]["remoteUrl"].startswith("http://acme@127.0.0.1")


def test_all_repositories_of_all_projects_come_at_once(call: Caller) -> None:
    answer = call("GET", "/acme/_apis/git/repositories")
    assert answer.json()["count"] == PROJECT_COUNT + 6
    assert "x-ms-continuationtoken" not in answer.headers


def test_a_repository_is_found_by_name_in_any_case_and_by_id(call: Caller) -> None:
    by_name = call("GET", f"{P}/WEB client").json()
    assert call("GET", f"{P}/{by_name['id']}").json() == by_name
    assert call("GET", f"/acme/_apis/git/repositories/{by_name['id']}").json()["name"] == "web client"


@pytest.mark.parametrize("part", ["", "/refs", "/commits", "/items", "/stats/branches"])
def test_a_disabled_repository_cannot_be_looked_into(call: Caller, part: str) -> None:
    answer = call("GET", f"{P}/Archived{part}")
    assert (answer.status_code, answer.json()["typeKey"]) == (404, "GitRepositoryNotFoundException")


def test_an_empty_repository_has_no_files_and_no_history(call: Caller) -> None:
    items = call("GET", f"{P}/Empty/items")
    assert (items.status_code, items.json()["typeKey"]) == (404, "GitItemNotFoundException")
    assert items.json()["message"].startswith("VS403403")
    assert values(call, f"{P}/Empty/refs") == values(call, f"{P}/Empty/commits") == []


def test_refs_come_in_pages_only_when_pages_are_asked_for(call: Caller) -> None:
    whole = call("GET", f"{P}/web client/refs")
    assert whole.json()["count"] == 232
    assert "x-ms-continuationtoken" not in whole.headers
    found: list[str] = []
    token: str | None = ""
    while token is not None:
        params = {"$top": "100", **({"continuationToken": token} if token else {})}
        page = call("GET", f"{P}/web client/refs", params=params)
        found += [one["name"] for one in page.json()["value"]]
        token = page.headers.get("x-ms-continuationtoken")
    assert found == [one["name"] for one in whole.json()["value"]]


def test_refs_are_filtered_from_their_beginning_or_by_a_part(call: Caller) -> None:
    assert [one["name"] for one in values(call, f"{G}/refs", filter="tags/")] == ["refs/tags/v1.0", "refs/tags/v1.1"]
    assert [one["name"] for one in values(call, f"{G}/refs", filterContains="żółw")] == ["refs/heads/topic/żółw"]


def test_history_is_newest_first_and_reaches_over_merges(call: Caller) -> None:
    history = values(call, f"{G}/commits")
    assert [one["comment"] for one in history][:2] == ["Say it twice", "Fix number 22"]
    assert len(history) == 29
    dates = [one["author"]["date"] for one in history]
    assert dates == sorted(dates, reverse=True)
    assert {"Merge documents", "Add documents"} <= {one["comment"] for one in history}
    assert all("." not in date for date in dates)


def test_history_is_paged_by_number(call: Caller) -> None:
    whole = values(call, f"{G}/commits")
    assert values(call, f"{G}/commits", **{"$skip": "3", "$top": "2"}) == whole[3:5]
    assert values(call, f"{G}/commits", **{"searchCriteria.$skip": "3", "searchCriteria.$top": "2"}) == whole[3:5]


@pytest.mark.parametrize(
    ("kind", "version"), [("branch", "topic/search"), ("branch", "topic/żółw"), ("tag", "v1.0"), ("commit", "")]
)
def test_history_begins_where_it_is_asked_to(call: Caller, kind: str, version: str) -> None:
    version = version or head(call, "topic/search")
    where = {"searchCriteria.itemVersion.version": version, "searchCriteria.itemVersion.versionType": kind}
    history = values(call, f"{G}/commits", **where)
    assert 0 < len(history) < 29
    assert history[-1]["comment"] == "Begin"


def test_history_is_filtered_by_path_author_and_time(call: Caller) -> None:
    by_path = values(call, f"{G}/commits", **{"searchCriteria.itemPath": "/docs"})
    assert [one["comment"] for one in by_path][-1] == "Add documents"
    by_author = values(call, f"{G}/commits", **{"searchCriteria.author": "noor"})
    assert {one["author"]["email"] for one in by_author} == {"noor@example.com"}
    newest = values(call, f"{G}/commits")[0]["author"]["date"]
    assert len(values(call, f"{G}/commits", **{"searchCriteria.fromDate": newest})) == 1


def test_a_long_message_is_cut_in_lists_and_whole_by_itself(call: Caller) -> None:
    listed = next(one for one in values(call, f"{G}/commits") if one["comment"] == "Add documents")
    assert listed["commentTruncated"] is True
    whole = call("GET", f"{G}/commits/{listed['commitId']}", params={"changeCount": "100"}).json()
    assert whole["comment"].endswith("unusual names and contents.")
    assert {one["changeType"] for one in whole["changes"]} == {"add"}
    assert len(whole["parents"]) == 1


@pytest.mark.parametrize(
    ("params", "status", "type_key"),
    [
        ({"versionDescriptor.version": "gone"}, 404, "GitUnresolvableToCommitException"),
        ({"versionDescriptor.version": "f" * 40, "versionDescriptor.versionType": "commit"}, 404, "GitUnresolvable"),
        ({"versionDescriptor.version": "main", "versionDescriptor.versionType": "3"}, 400, "ArgumentException"),
        ({"path": "/nothing.txt"}, 404, "GitItemNotFoundException"),
        ({"scopePath": "/no/such/folder"}, 404, "GitItemNotFoundException"),
    ],
)
def test_a_version_or_item_that_is_not_there_says_so(
    call: Caller, params: dict[str, str], status: int, type_key: str
) -> None:
    answer = call("GET", f"{G}/items", params=params)
    assert answer.status_code == status
    assert answer.json()["typeKey"].startswith(type_key)


def test_folders_are_browsed_one_level_at_a_time_or_whole(call: Caller) -> None:
    level = values(call, f"{G}/items", scopePath="/docs", recursionLevel="OneLevel")
    assert level[0]["path"] == "/docs"
    assert level[0]["isFolder"] is True
    assert {"/docs/Getting started.md", "/docs/日本語.md"} <= {one["path"] for one in level}
    paths = [one["path"] for one in values(call, f"{G}/items", scopePath="/src", recursionLevel="Full")]
    assert {"/src", "/src/app.py", "/src/web/very/deep/folder/file.txt", "/src/web/very/deep"} <= set(paths)
    assert [one["path"] for one in values(call, f"{G}/items", scopePath="/src")] == ["/src"]


def test_a_file_is_read_at_a_branch_a_tag_and_a_commit(call: Caller) -> None:
    assert content(call, "/src/app.py") == b'print("hello hello")\n'
    at = "versionDescriptor.version"
    kind = "versionDescriptor.versionType"
    assert content(call, "/src/app.py", **{at: "v1.0", kind: "tag"}) == b'print("hello")\n'
    assert content(call, "/src/app.py", **{at: "topic/żółw", kind: "branch"}) == b'print("hello, 22")\n'
    assert content(call, "/src/app.py", **{at: head(call, "topic/search"), kind: "commit"}) == b'print("hello")\n'


def test_a_file_comes_as_json_as_text_or_as_it_is(call: Caller) -> None:
    asked = {"path": "/README.md", "includeContent": "true"}
    assert call("GET", f"{G}/items", params=asked).json()["content"].startswith("# Storefront")
    text = call("GET", f"{G}/items", params={**asked, "$format": "text"})
    assert text.headers["Content-Type"].startswith("text/plain")
    whole = call("GET", f"{G}/items", params={**asked, "$format": "octetStream"})
    assert whole.headers["Content-Type"] == "application/octet-stream"
    assert whole.content.startswith(b"# Storefront")


def test_only_the_metadata_tells_that_a_file_is_no_text(call: Caller) -> None:
    asked = {"path": "/assets/dot.png", "includeContent": "true", "includeContentMetadata": "true"}
    item = call("GET", f"{G}/items", params=asked).json()
    assert item["contentMetadata"]["isBinary"] is True
    assert item["contentMetadata"]["isImage"] is True
    assert item["content"] != ""
    assert content(call, "/assets/dot.png").startswith(b"\x89PNG")


def test_a_byte_order_mark_is_no_part_of_a_text(call: Caller) -> None:
    item = call("GET", f"{G}/items", params={"path": "/docs/with-mark.txt", "includeContent": "true"}).json()
    assert item["content"].startswith("A byte order mark")
    assert content(call, "/docs/with-mark.txt").startswith(b"\xef\xbb\xbf")


def test_how_large_a_file_is_can_be_known_before_it_is_read(call: Caller) -> None:
    item = call("GET", f"{G}/items", params={"path": "/data/large.csv"}).json()
    blob = call("GET", f"{G}/blobs/{item['objectId']}")
    assert blob.json()["size"] == len(LARGE) > 1024 * 1024
    assert call("GET", f"{G}/blobs/{item['objectId']}", accept="*/*").content == LARGE
    assert call("GET", f"{G}/blobs/{'f' * 40}").status_code == 404


def test_ids_are_those_that_git_computes(tmp_path: Path) -> None:
    need(found=shutil.which("git") is not None, lacking="git", remedy="apt-get install git")
    tree = {"/a.txt": b"a\n", "/a/b.txt": b"b\n", "/a-b.txt": b"c\n"}
    (tmp_path / "a").mkdir()
    for path, text in tree.items():
        (tmp_path / path[1:]).write_bytes(text)

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    git("add", ".")
    assert git("write-tree") == tree_id(tree)
    assert git("hash-object", "a.txt") == blob_id(b"a\n")


def test_branches_say_how_far_they_are_from_the_default_one(call: Caller) -> None:
    stats = {one["name"]: one for one in values(call, f"{G}/stats/branches")}
    assert stats["main"]["isBaseVersion"] is True
    assert (stats["topic/search"]["aheadCount"], stats["topic/search"]["behindCount"]) == (0, 25)
    one = call("GET", f"{G}/stats/branches", params={"name": "topic/żółw"}).json()
    assert one == stats["topic/żółw"]
    assert call("GET", f"{G}/stats/branches", params={"name": "gone"}).status_code == 404


def test_files_are_added_changed_renamed_and_deleted_by_a_push(call: Caller) -> None:
    answer = push(
        call,
        head(call),
        change("add", "/notes/new.txt", "new"),
        change("edit", "/README.md", "other"),
        change("rename", "/src/main.py", sourceServerItem="/src/app.py"),
        change("delete", "/docs/empty.txt"),
    )
    assert answer.status_code == 201
    assert head(call) == answer.json()["refUpdates"][0]["newObjectId"] == answer.json()["commits"][0]["commitId"]
    assert content(call, "/notes/new.txt") == b"new"
    assert content(call, "/README.md") == b"other"
    assert content(call, "/src/main.py") == b'print("hello hello")\n'
    assert call("GET", f"{G}/items", params={"path": "/docs/empty.txt"}).status_code == 404
    commit = values(call, f"{G}/commits")[0]
    assert commit["comment"] == "Change"
    assert commit["author"]["email"] == "maya@example.com"


def test_content_may_be_pushed_in_base64(call: Caller) -> None:
    text = base64.b64encode(b"\x00\x01").decode()
    new = {"content": text, "contentType": "base64Encoded"}
    assert push(call, head(call), change("add", "/x.bin", newContent=new)).status_code == 201
    assert content(call, "/x.bin") == b"\x00\x01"


def test_a_push_to_a_branch_that_moved_on_is_a_conflict(call: Caller) -> None:
    old = head(call)
    assert push(call, old, change("add", "/one.txt", "1")).status_code == 201
    answer = push(call, old, change("add", "/two.txt", "2"))
    assert (answer.status_code, answer.json()["typeKey"]) == (409, "GitReferenceStaleException")
    assert answer.json()["message"].startswith("TF401028: The reference 'refs/heads/main' has already been updated")
    assert push(call, head(call), change("add", "/two.txt", "2")).status_code == 201


def test_the_first_push_begins_a_repository(call: Caller) -> None:
    answer = push(call, NOTHING, change("add", "/README.md", "hello"), where=f"{P}/Empty")
    assert answer.status_code == 201
    assert call("GET", f"{P}/Empty").json()["defaultBranch"] == "refs/heads/main"


def test_a_push_may_begin_a_branch_at_a_commit(call: Caller) -> None:
    answer = push(call, head(call), change("add", "/x.txt", "x"), branch="topic/new")
    assert answer.status_code == 201
    assert answer.json()["commits"][0]["parents"] == [head(call)]
    assert head(call, "topic/new") != head(call)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([change("add", "/README.md", "x")], "specified in the add operation already exists"),
        ([change("edit", "/nothing.md", "x")], "specified in the edit operation does not exist"),
        ([change("delete", "/nothing.md")], "specified in the delete operation does not exist"),
        ([change("add", "/x.md")], "Parameter name: newContent"),
        ([change("invent", "/README.md")], "is not supported"),
        ([], "Parameter name: changes"),
    ],
)
def test_a_push_that_makes_no_sense_changes_nothing(call: Caller, changes: list[dict[str, Any]], words: str) -> None:
    before = head(call)
    answer = push(call, before, *changes)
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert head(call) == before


@pytest.mark.parametrize("body", [{}, {"refUpdates": [], "commits": []}, {"refUpdates": [{"name": "x"}]}])
def test_an_empty_push_is_an_argument_that_is_missing(call: Caller, body: object) -> None:
    answer = call("POST", f"{G}/pushes", json=body)
    assert (answer.status_code, answer.json()["typeKey"]) == (400, "ArgumentNullException")


def ref(name: str, old: str, new: str) -> dict[str, str]:
    return {"name": name, "oldObjectId": old, "newObjectId": new}


def test_branches_are_made_and_deleted_and_each_says_whether_it_worked(call: Caller) -> None:
    main = head(call)
    wishes = [
        ref("refs/heads/made", NOTHING, main),
        ref("refs/heads/topic/search", main, NOTHING),
        ref("refs/heads/lost", NOTHING, "e" * 40),
        ref("refs/heads/bad..name ", NOTHING, main),
        ref("refs/heads/never-was", NOTHING, NOTHING),
    ]
    answer = call("POST", f"{G}/refs", json=wishes)
    assert answer.status_code == 200
    results = [(one["success"], one["updateStatus"]) for one in answer.json()["value"]]
    assert results == [
        (True, "succeeded"),
        (False, "staleOldObjectId"),
        (False, "unresolvableToCommit"),
        (False, "invalidRefName"),
        (True, "succeededNonExistentRef"),
    ]
    assert head(call, "made") == main
    call("POST", f"{G}/refs", json=[ref("refs/heads/made", main, NOTHING)])
    assert values(call, f"{G}/refs", filter="heads/made") == []


def test_who_may_not_write_is_told_for_each_ref_inside_a_200(call: Caller) -> None:
    main = head(call)
    wishes = [
        ref("refs/heads/made", NOTHING, main),
        ref("refs/heads/topic/search", head(call, "topic/search"), NOTHING),
    ]
    answer = call("POST", f"{G}/refs", token="no-rights", json=wishes)
    assert answer.status_code == 200
    assert [one["updateStatus"] for one in answer.json()["value"]] == [
        "createBranchPermissionRequired",
        "writePermissionRequired",
    ]
    assert values(call, f"{G}/refs", filter="heads/made") == []


def test_a_repository_is_made_empty_and_only_once(call: Caller) -> None:
    made = call("POST", P, json={"name": "New one"})
    assert (made.status_code, made.json()["size"]) == (201, 0)
    again = call("POST", P, json={"name": "new ONE"})
    assert (again.status_code, again.json()["typeKey"]) == (409, "GitRepositoryNameAlreadyExistsException")
    assert call("POST", P, json={}).json()["typeKey"] == "ArgumentNullException"


def test_a_repository_is_renamed_switched_off_and_given_another_default_branch(call: Caller) -> None:
    id_ = call("GET", G).json()["id"]
    assert call("PATCH", G, json={"defaultBranch": "refs/heads/gone"}).status_code == 400
    changed = call("PATCH", G, json={"name": "Shop", "defaultBranch": "refs/heads/topic/search"}).json()
    assert (changed["id"], changed["name"], changed["defaultBranch"]) == (id_, "Shop", "refs/heads/topic/search")
    call("PATCH", f"{P}/{id_}", json={"isDisabled": True})
    assert call("GET", f"{P}/{id_}").status_code == 404
    assert call("PATCH", f"{P}/{id_}", json={"isDisabled": False}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "permission"),
    [
        ("POST", P, {"name": "New"}, "CreateRepository"),
        ("PATCH", G, {"name": "New"}, "RenameRepository"),
        ("POST", f"{G}/pushes", {}, "GenericContribute"),
    ],
)
def test_each_change_names_the_permission_that_the_person_lacks(
    call: Caller, method: str, path: str, body: object, permission: str
) -> None:
    answer = call(method, path, token="no-rights", json=body)
    assert (answer.status_code, answer.json()["typeKey"]) == (403, "GitNeedsPermissionException")
    assert f"'{permission}'" in answer.json()["message"]


def test_two_sandboxes_share_nothing_that_changes(call: Caller, sandbox: Sandbox) -> None:
    push(call, head(call), change("add", "/only-here.txt", "x"))
    with Sandbox() as other:
        there = other.state.organizations["acme"].projects[0].repositories[0]
        assert there.head is not None
        assert "/only-here.txt" not in there.head.tree
