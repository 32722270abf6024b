"""Commits: how they are named, found and written. https://learn.microsoft.com/rest/api/azure/devops/git/commits"""

from typing import Any

from sandbox.git import GIT_SERVER, repository_url, web_url
from sandbox.http_messages import Answer, ErrorResponse, Request, error, person_json
from sandbox.ids import instant
from sandbox.repositories import Commit, Push, Repository
from sandbox.state import Project


def commit_at(request: Request, repository: Repository, prefix: str) -> Commit:
    """The commit that the query names, by default the newest of the default branch. Raises `ErrorResponse`."""
    version = request.query.get(f"{prefix}version", "")
    kind = request.query.get(f"{prefix}versionType") or "branch"
    if not repository.refs:
        text = f"VS403403: Cannot find any branches for the {repository.name} repository."
        raise ErrorResponse(error(request, 404, text, "GitItemNotFoundException", GIT_SERVER))
    ref = {"branch": f"refs/heads/{version}", "tag": f"refs/tags/{version}"}.get(kind, "")
    sha = repository.refs.get(ref, "") if ref else version
    commit = repository.commits.get(sha) if version else repository.head
    if commit is not None and request.query.get(f"{prefix}versionOptions") == "firstParent":
        commit = repository.commits.get(commit.parents[0]) if commit.parents else None
    if commit is None:
        raise ErrorResponse(unresolvable(request, repository, kind, version))
    return commit


def unresolvable(request: Request, repository: Repository, kind: str, version: str) -> Answer:
    """404: the version does not exist."""
    text = (
        f"TF401175:The version descriptor <{kind.title()}: {version} > could not be resolved to a version in the "
        f"repository {repository.name}"
    )
    return error(request, 404, text, "GitUnresolvableToCommitException", GIT_SERVER)


def named_commit(request: Request, repository: Repository, sha: str) -> Commit:
    """The commit with this id. Raises `ErrorResponse`."""
    commit = repository.commits.get(sha.lower())
    if commit is None:
        raise ErrorResponse(unresolvable(request, repository, "commit", sha))
    return commit


def commit_url(request: Request, project: Project, repository: Repository, commit: Commit) -> str:
    """The API URL of a commit."""
    return f"{repository_url(request, project, repository)}/commits/{commit.id}"


def author_json(request: Request, commit: Commit) -> dict[str, Any]:
    """The author of a commit and its time, with an image on request."""
    # Git stores whole seconds.
    author = {"name": commit.author.name, "email": commit.author.upn, "date": instant(commit.at.replace(microsecond=0))}
    if request.flag("searchCriteria.includeUserImageUrl"):
        author["imageUrl"] = str(person_json(request, commit.author)["imageUrl"])
    return author


def commit_json(request: Request, project: Project, repository: Repository, commit: Commit) -> dict[str, Any]:
    """A commit in a list, with the first line of its message and whatever else the query requests."""
    first, *more = commit.comment.split("\n", 1)
    differences = list(repository.differences(commit).values())
    written: dict[str, Any] = {
        "commitId": commit.id,
        "author": author_json(request, commit),
        "committer": author_json(request, commit),
        "comment": first,
        "changeCounts": {kind.title(): differences.count(kind) for kind in ("add", "edit", "delete")},
        "url": commit_url(request, project, repository, commit),
        "remoteUrl": _commit_web_url(request, project, repository, commit),
    }
    if more:
        written["commentTruncated"] = True
    if request.flag("includeLinks") or request.flag("searchCriteria.includeLinks"):
        written["_links"] = commit_links(request, project, repository, commit)
    push = repository.push_of(commit.id)
    if push is not None and request.flag("searchCriteria.includePushData"):
        written["push"] = push_reference(request, push)
    return written


def _commit_web_url(request: Request, project: Project, repository: Repository, commit: Commit) -> str:
    return f"{web_url(request, project, repository)}/commit/{commit.id}"


def commit_links(request: Request, project: Project, repository: Repository, commit: Commit) -> dict[str, Any]:
    """The links of a commit."""
    here = commit_url(request, project, repository, commit)
    return {
        "self": {"href": here},
        "repository": {"href": repository_url(request, project, repository)},
        "web": {"href": _commit_web_url(request, project, repository, commit)},
        "changes": {"href": f"{here}/changes"},
    }


def push_reference(request: Request, push: Push) -> dict[str, Any]:
    """A push as part of a commit."""
    return {"pushedBy": person_json(request, push.person), "pushId": push.id, "date": instant(push.at)}


def whole_commit_json(request: Request, project: Project, repository: Repository, commit: Commit) -> dict[str, Any]:
    """A single commit as JSON."""
    return {
        "treeId": commit.tree_id,
        "commitId": commit.id,
        "author": author_json(request, commit),
        "committer": author_json(request, commit),
        "comment": commit.comment,
        "parents": list(commit.parents),
        "url": commit_url(request, project, repository, commit),
        "remoteUrl": _commit_web_url(request, project, repository, commit),
        "_links": commit_links(request, project, repository, commit),
    }
