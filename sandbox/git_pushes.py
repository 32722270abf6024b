"""Pushes: creating commits over HTTP, and listing past pushes.

https://learn.microsoft.com/rest/api/azure/devops/git/pushes
"""

import base64
import binascii
from typing import Any

from sandbox import permissions
from sandbox.git import GIT_SERVER, USUAL_PAGE, find_repository, repository_json, repository_url
from sandbox.git_commits import commit_json, whole_commit_json
from sandbox.http_messages import (
    Answer,
    ErrorResponse,
    Request,
    argument_missing,
    argument_wrong,
    error,
    json_answer,
    listing,
    person_json,
)
from sandbox.ids import instant, moment, stable_sha
from sandbox.repositories import NOTHING, Commit, Push, RefUpdate, Repository
from sandbox.state import Project

_CRITERIA = "searchCriteria."


def pushes(request: Request, names: dict[str, str]) -> Answer:
    """List the pushes to a repository, newest first."""
    project, repository = find_repository(request, names)
    skip, top = max(request.number("$skip", 0), 0), max(request.number("$top", USUAL_PAGE), 0)
    page = [push for push in reversed(repository.pushes) if _fits(request, push)][skip : skip + top]
    refs, links = request.flag(f"{_CRITERIA}includeRefUpdates"), request.flag(f"{_CRITERIA}includeLinks")
    return listing(request, [_push_json(request, project, repository, push, refs=refs, links=links) for push in page])


def _fits(request: Request, push: Push) -> bool:
    ref, pusher = request.query.get(f"{_CRITERIA}refName", ""), request.query.get(f"{_CRITERIA}pusherId", "").lower()
    since, until = (moment(request.query.get(f"{_CRITERIA}{name}", "")) for name in ("fromDate", "toDate"))
    return (
        (not ref or ref in {update.name for update in push.updates})
        and pusher in ("", push.person.id)
        and (since is None or push.at >= since)
        and (until is None or push.at <= until)
    )


def one_push(request: Request, names: dict[str, str]) -> Answer:
    """Read one push, with as many of its commits as requested."""
    project, repository = find_repository(request, names)
    push = find_push(request, repository, names["push"])
    refs, count = request.flag("includeRefUpdates"), max(request.number("includeCommits", 0), 0)
    commits = [repository.commits[sha] for sha in push.commits[:count]]
    body = _push_json(request, project, repository, push, refs=refs, links=True)
    return json_answer(
        request, body | {"commits": [commit_json(request, project, repository, commit) for commit in commits]}
    )


def find_push(request: Request, repository: Repository, number: str) -> Push:
    """A push by number. Raises `ErrorResponse`."""
    push = next((push for push in repository.pushes if str(push.id) == number), None)
    if push is None:
        text = f"The push with ID {number} could not be found in the repository {repository.name}."
        raise ErrorResponse(error(request, 404, text, "GitPushNotFoundException", GIT_SERVER))
    return push


def _push_json(
    request: Request, project: Project, repository: Repository, push: Push, *, refs: bool, links: bool
) -> dict[str, Any]:
    here = f"{repository_url(request, project, repository)}/pushes/{push.id}"
    written: dict[str, Any] = {
        "repository": repository_json(request, project, repository),
        "pushedBy": person_json(request, push.person),
        "pushId": push.id,
        "date": instant(push.at),
        "url": here,
    }
    if refs:
        written["refUpdates"] = [
            {"repositoryId": repository.id, "name": update.name, "oldObjectId": update.old, "newObjectId": update.new}
            for update in push.updates
        ]
    if links:
        written["_links"] = {
            "self": {"href": here},
            "repository": {"href": repository_url(request, project, repository)},
            "commits": {"href": f"{here}/commits"},
            "pusher": {"href": written["pushedBy"]["url"]},
        }
    return written


# Renaming and changing a file is one change of both kinds, or two changes.
_CHANGES = ({"add"}, {"edit"}, {"delete"}, {"rename"}, {"edit", "rename"})


def push(request: Request, names: dict[str, str]) -> Answer:
    """Commit files to a branch, which the push may create."""
    project, repository = find_repository(request, names, changing="GenericContribute")
    body = request.fields()
    updates, new_commits = _objects(body.get("refUpdates")), _objects(body.get("commits"))
    if not updates or not new_commits or request.person is None:
        raise ErrorResponse(argument_missing(request, "push"))
    name, old = str(updates[0].get("name", "")), str(updates[0].get("oldObjectId", NOTHING))
    parent = _parent(request, repository, name, old)
    made: list[Commit] = []
    for new_commit in new_commits:
        parent = _commit(request, repository, new_commit, parent)
        made.append(parent)
    repository.commits.update({commit.id: commit for commit in made})
    repository.refs[name] = made[-1].id
    repository.default_branch = repository.default_branch or name
    made.reverse()
    update = RefUpdate(name, old, made[0].id)
    pushed = repository.add_push(request.person, request.now, [update], [commit.id for commit in made])
    body = _push_json(request, project, repository, pushed, refs=True, links=True)
    commits = [whole_commit_json(request, project, repository, commit) for commit in made]
    return json_answer(request, body | {"commits": commits}, status=201)


def _objects(value: Any) -> list[dict[str, Any]]:
    """The value if it is a list of objects; otherwise an empty list."""
    return value if isinstance(value, list) and all(isinstance(item, dict) for item in value) else []


def _parent(request: Request, repository: Repository, name: str, old: str) -> Commit | None:
    """The parent of the first commit. Raises `ErrorResponse` if the branch has moved."""
    if not name.startswith("refs/heads/"):
        raise ErrorResponse(argument_wrong(request, f"The ref name '{name}' is not valid."))
    current = repository.refs.get(name)
    begins_here = current is None and old in repository.commits
    if old != (current or NOTHING) and not begins_here:
        text = (
            f"TF401028: The reference '{name}' has already been updated by another client, so you cannot "
            "update it. Please try again."
        )
        raise ErrorResponse(error(request, 409, text, "GitReferenceStaleException", GIT_SERVER))
    if name in repository.protected:
        raise ErrorResponse(permissions.pull_request_needed(request))
    return repository.commits.get(old)


def _commit(request: Request, repository: Repository, fields: dict[str, Any], parent: Commit | None) -> Commit:
    tree = dict(parent.tree) if parent else {}
    changes = _objects(fields.get("changes"))
    if not changes:
        raise ErrorResponse(argument_missing(request, "changes"))
    for change in changes:
        _apply(request, tree, change)
    comment = str(fields.get("comment") or "")
    parents = (parent.id,) if parent else ()
    sha = stable_sha(repository.id, *parents, len(repository.commits), comment)
    if request.person is None:
        raise ErrorResponse(argument_missing(request, "push"))
    return Commit(sha, request.person, request.now, comment, parents, tree)


def _apply(request: Request, tree: dict[str, bytes], change: dict[str, Any]) -> None:
    kind, item = str(change.get("changeType", "")), change.get("item")
    if not isinstance(item, dict) or not isinstance(item.get("path"), str):
        raise ErrorResponse(argument_missing(request, "item"))
    path, kinds = "/" + item["path"].strip("/"), set(kind.split(","))
    if kinds not in _CHANGES:
        raise ErrorResponse(argument_wrong(request, f"The change type '{kind}' is not supported."))
    if kind == "add" and path in tree:
        raise ErrorResponse(_wrong_path(request, path, "add", "already exists. Please specify a new path."))
    if kind != "add":
        source = "/" + str(change.get("sourceServerItem") or path).strip("/")
        if source not in tree:
            raise ErrorResponse(_wrong_path(request, source, kind, "does not exist. Please specify an existing path."))
        tree[path] = tree.pop(source)
    if kind == "delete":
        del tree[path]
    elif kinds & {"add", "edit"}:
        tree[path] = _content(request, change.get("newContent"))


def _wrong_path(request: Request, path: str, kind: str, problem: str) -> Answer:
    return argument_wrong(request, f"The path '{path}' specified in the {kind} operation {problem}")


def _content(request: Request, content: Any) -> bytes:
    if not isinstance(content, dict) or not isinstance(content.get("content"), str):
        raise ErrorResponse(argument_missing(request, "newContent"))
    if str(content.get("contentType", "rawText")).lower() != "base64encoded":
        return str(content["content"]).encode()
    try:
        return base64.b64decode(content["content"], validate=True)
    except binascii.Error:
        raise ErrorResponse(argument_wrong(request, "The content is not encoded in base64.")) from None
