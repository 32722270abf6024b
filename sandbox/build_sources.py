"""The commits of builds. https://learn.microsoft.com/rest/api/azure/devops/build/builds/get-build-changes"""

from typing import Any

from sandbox.build import find_build
from sandbox.git import web_url
from sandbox.git_commits import commit_url
from sandbox.http_messages import Answer, Request, listing, person_json
from sandbox.ids import instant
from sandbox.pipelines import Build
from sandbox.repositories import Commit
from sandbox.state import Project

_USUAL_PAGE = 50


def changes(request: Request, names: dict[str, str]) -> Answer:
    """List the commits of a build, newest first, since the previous build of the same pipeline and branch."""
    project, build = find_build(request, names)
    before = [
        earlier
        for earlier in project.builds
        if earlier.definition is build.definition
        and earlier.branch == build.branch
        and (earlier.queued_at, earlier.id) < (build.queued_at, build.id)
    ]
    commits = _commits_since(build, before[-1] if before else None)
    begin, size = max(request.number("continuationToken", 0), 0), max(request.number("$top", _USUAL_PAGE), 1)
    more = str(begin + size) if begin + size < len(commits) else None
    page = commits[begin : begin + size]
    return listing(request, [_change_json(request, project, build, commit) for commit in page], continuation=more)


def changes_between(request: Request, names: dict[str, str]) -> Answer:
    """List the commits between two builds, newest first."""
    project, earlier = find_build(request, names | {"build": str(request.number("fromBuildId", 0))})
    _, later = find_build(request, names | {"build": str(request.number("toBuildId", 0))})
    commits = _commits_since(later, earlier)[: max(request.number("$top", _USUAL_PAGE), 1)]
    return listing(request, [_change_json(request, project, later, commit) for commit in commits])


def _commits_since(build: Build, earlier: Build | None) -> list[Commit]:
    repository = build.definition.repository
    known = repository.history(repository.commits.get(earlier.commit)) if earlier else ()
    known_ids = {commit.id for commit in known}
    history = repository.history(repository.commits.get(build.commit))
    return [commit for commit in history if commit.id not in known_ids]


def _change_json(request: Request, project: Project, build: Build, commit: Commit) -> dict[str, Any]:
    repository = build.definition.repository
    return {
        "id": commit.id,
        "message": commit.comment,
        "type": "TfsGit",
        "author": person_json(request, commit.author),
        "timestamp": instant(commit.at.replace(microsecond=0)),
        "location": commit_url(request, project, repository, commit),
        "displayUri": f"{web_url(request, project, repository)}/commit/{commit.id}",
        "pusher": commit.author.id,
    }
