"""The history of a repository: lists of commits, their changes, and differences between branches.

https://learn.microsoft.com/rest/api/azure/devops/git/commits/get-commits
"""

from collections.abc import Iterable, Iterator
from typing import Any

from sandbox.git import USUAL_PAGE, find_repository
from sandbox.git_commits import (
    commit_at,
    commit_json,
    named_commit,
    push_reference,
    unresolvable,
    whole_commit_json,
)
from sandbox.git_contents import item_json
from sandbox.git_pushes import find_push
from sandbox.http_messages import Answer, Request, json_answer, listing
from sandbox.ids import moment
from sandbox.repositories import Commit, Repository, changes
from sandbox.state import Project

_CRITERIA = "searchCriteria."
_ITEM_VERSION, _COMPARED_VERSION = f"{_CRITERIA}itemVersion.version", f"{_CRITERIA}compareVersion.version"
_PAGE = (("$skip", 0), ("$top", USUAL_PAGE))


def commits(request: Request, names: dict[str, str]) -> Answer:
    """List the commits of a branch, newest first, of a push, or with certain ids."""
    project, repository = find_repository(request, names)
    if request.query.get("pushId"):
        return _commits_of_push(request, project, repository)
    if request.query.get(f"{_CRITERIA}ids"):
        return _commits_of_ids(request, project, repository)
    skip, top = (max(request.number(f"{_CRITERIA}{name}", usual), 0) for name, usual in _PAGE)
    fitting = list(_fitting(request, repository, _walk(request, repository)))[skip : skip + top]
    return listing(request, [commit_json(request, project, repository, commit) for commit in fitting])


def _commits_of_push(request: Request, project: Project, repository: Repository) -> Answer:
    push = find_push(request, repository, str(request.number("pushId", 0)))
    skip, top = (max(request.number(name.strip("$"), usual), 0) for name, usual in _PAGE)
    pushed = [repository.commits[sha] for sha in push.commits[skip : skip + top]]
    return listing(request, [commit_json(request, project, repository, commit) for commit in pushed])


def _commits_of_ids(request: Request, project: Project, repository: Repository) -> Answer:
    """The existing commits among some ids, without `remoteUrl`, unlike in other lists.

    https://github.com/microsoft/azure-devops-extension-api/issues/34
    """
    ids = [sha.strip().lower() for sha in request.query[f"{_CRITERIA}ids"].split(",")]
    existing = [repository.commits[sha] for sha in dict.fromkeys(ids) if sha in repository.commits]
    written = [commit_json(request, project, repository, commit) for commit in existing]
    return listing(request, [{name: value for name, value in item.items() if name != "remoteUrl"} for item in written])


def _walk(request: Request, repository: Repository) -> Iterable[Commit]:
    """The commits in the requested order: those of a version, or those that only another version contains."""
    # Inferred: an empty repository has an empty history, not a missing one.
    if not repository.refs:
        return ()
    if request.flag(f"{_CRITERIA}showOldestCommitsFirst"):
        # "This option will ignore the itemVersion and compareVersion parameters."
        return reversed(list(repository.history(repository.head)))
    version = commit_at(request, repository, f"{_CRITERIA}itemVersion.")
    # "Only applicable when ItemVersion specified. If provided, start walking history starting at this commit."
    if not (request.query.get(_ITEM_VERSION) and request.query.get(_COMPARED_VERSION)):
        return repository.history(version)
    known = {commit.id for commit in repository.history(version)}
    compared = commit_at(request, repository, f"{_CRITERIA}compareVersion.")
    return (commit for commit in repository.history(compared) if commit.id not in known)


def _fitting(request: Request, repository: Repository, commits: Iterable[Commit]) -> Iterator[Commit]:
    people = [request.query.get(f"{_CRITERIA}{name}", "").casefold() for name in ("author", "user")]
    since, until = (moment(request.query.get(f"{_CRITERIA}{name}", "")) for name in ("fromDate", "toDate"))
    for commit in commits:
        author = f"{commit.author.name} {commit.author.upn}".casefold()
        in_time = (since is None or commit.at >= since) and (until is None or commit.at <= until)
        if all(person in author for person in people) and in_time and _is_at_path(request, repository, commit):
            yield commit


def _is_at_path(request: Request, repository: Repository, commit: Commit) -> bool:
    path = request.query.get(f"{_CRITERIA}itemPath", "").rstrip("/")
    if not path:
        return True
    kinds = [
        kind
        for changed, kind in repository.differences(commit).items()
        if changed == path or changed.startswith(f"{path}/")
    ]
    if request.flag(f"{_CRITERIA}excludeDeletes"):
        kinds = [kind for kind in kinds if kind != "delete"]
    return bool(kinds)


def commit(request: Request, names: dict[str, str]) -> Answer:
    """Read one commit, with its whole message, its parents and who pushed it."""
    project, repository = find_repository(request, names)
    requested = named_commit(request, repository, names["commit"])
    body = whole_commit_json(request, project, repository, requested)
    top = request.number("changeCount", 0)
    if top > 0:
        body["changes"] = _changes_json(request, project, repository, requested)[:top]
    push = repository.push_of(requested.id)
    if push is not None:
        body["push"] = push_reference(request, push)
    return json_answer(request, body)


def commit_changes(request: Request, names: dict[str, str]) -> Answer:
    """List what a commit changed. The counts are those of all changes."""
    project, repository = find_repository(request, names)
    requested = named_commit(request, repository, names["commit"])
    counts = list(repository.differences(requested).values())
    skip, top = max(request.number("skip", 0), 0), max(request.number("top", len(counts)), 0)
    body = {
        "changeCounts": {kind.title(): counts.count(kind) for kind in ("add", "edit", "delete") if kind in counts},
        "changes": _changes_json(request, project, repository, requested)[skip : skip + top],
    }
    return json_answer(request, body)


def _changes_json(request: Request, project: Project, repository: Repository, commit: Commit) -> list[dict[str, Any]]:
    before = repository.tree_before(commit)
    return [
        {
            "item": item_json(request, project, repository, commit, path, before if kind == "delete" else commit.tree),
            "changeType": kind,
        }
        for path, kind in changes(before, commit.tree).items()
    ]


def branch_stats(request: Request, names: dict[str, str]) -> Answer:
    """How far each branch, or the one called `name`, is ahead of and behind the default branch or a base version."""
    project, repository = find_repository(request, names)
    base = commit_at(request, repository, "baseVersionDescriptor.") if repository.refs else None
    base_branch = request.query.get("baseVersionDescriptor.version") or repository.default_branch or ""
    branches = {
        name.removeprefix("refs/heads/"): repository.commits[sha]
        for name, sha in sorted(repository.refs.items())
        if name.startswith("refs/heads/")
    }
    requested_name = request.query.get("name", "")
    if requested_name and requested_name not in branches:
        return unresolvable(request, repository, "branch", requested_name)
    of_base = {commit.id for commit in repository.history(base)}
    stats = []
    for name in [requested_name] if requested_name else branches:
        own = {commit.id for commit in repository.history(branches[name])}
        stats.append(
            {
                "commit": commit_json(request, project, repository, branches[name]),
                "name": name,
                "aheadCount": len(own - of_base),
                "behindCount": len(of_base - own),
                "isBaseVersion": base_branch.removeprefix("refs/heads/") == name,
            }
        )
    return json_answer(request, stats[0]) if requested_name else listing(request, stats)
