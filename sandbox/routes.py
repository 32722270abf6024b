"""Every route, and the scopes it requires.

Scopes and versions of each call: https://github.com/MicrosoftDocs/vsts-rest-api-specs
"""

from sandbox import (
    build,
    build_artifacts,
    build_changes,
    build_lists,
    build_runs,
    build_sources,
    build_tags,
    core,
    git,
    git_contents,
    git_history,
    git_objects,
    git_pushes,
    personal_tokens,
    pipeline_runs,
    release,
    release_changes,
    release_lists,
    security,
    url_location,
)
from sandbox.editions import Version
from sandbox.routing import ALWAYS, Controller, Map, Route, Takes

_SEES_PROJECTS = "vso.profile vso.project"
_GIT = "{project}/_apis/git/repositories"
_ONE_GIT = f"{_GIT}/{{repository}}"
_ANY_GIT = "_apis/git/repositories/{repository}"
_BUILD = "{project}/_apis/build"
_ONE_BUILD = f"{_BUILD}/builds/{{build:int}}"
_PIPELINES = "{project}/_apis/pipelines"
_ONE_PIPELINE = f"{_PIPELINES}/{{pipeline:int}}"
_ONE_RUN = f"{_ONE_PIPELINE}/runs/{{run:int}}"
_RELEASE = "{project}/_apis/release"
_ONE_RELEASE = f"{_RELEASE}/releases/{{release:int}}"
_STAGE = f"{_ONE_RELEASE}/environments/{{environment:int}}"
# The lists of locations of 2020 still call it a preview, the files of 7.1 do not.
_SINCE_7: Version = (7, 1)


def _read(
    template: str,
    scopes: str,
    controller: Controller,
    *,
    released: Version | None = ALWAYS,
    public: bool = True,
    method: str = "GET",
) -> Route:
    return Route(
        method, tuple(template.split("/")), tuple(scopes.split()), controller, released=released, public=public
    )


def _change(
    method: str, template: str, scopes: str, controller: Controller, takes: Takes, released: Version | None = ALWAYS
) -> Route:
    return Route(method, tuple(template.split("/")), tuple(scopes.split()), controller, takes, released, public=False)


def _closed(template: str, controller: Controller, released: Version | None = ALWAYS) -> Route:
    return _read(template, "vso.release", controller, released=released, public=False)


LOCATION = (
    _read("_apis/connectiondata", "", url_location.connection_data, released=None),
    _read("_apis", "", url_location.options, method="OPTIONS"),
    _read("_apis/{area}", "", url_location.options, method="OPTIONS"),
    _read("_apis/resourceareas", "", url_location.resource_areas, released=None),
    _read("_apis/resourceareas/{area}", "", url_location.resource_area, released=None),
)
CORE = (
    _read("_apis/projects", _SEES_PROJECTS, core.projects),
    _read("_apis/projects/{project}", _SEES_PROJECTS, core.project),
)
GIT = (
    _read("_apis/git/repositories", "vso.code", git.all_repositories),
    _read(_ANY_GIT, "vso.code", git.repository),
    _read(f"{_ANY_GIT}/refs", "vso.code", git.refs),
    _read(f"{_ANY_GIT}/commits", "vso.code", git_history.commits),
    _read(f"{_ANY_GIT}/items", "vso.code", git_contents.items),
    _read(_GIT, "vso.code", git.repositories),
    _change("POST", _GIT, "vso.code_manage", git.create_repository, "fields"),
    _read(_ONE_GIT, "vso.code", git.repository),
    _change("PATCH", _ONE_GIT, "vso.code_manage", git.update_repository, "fields"),
    _read(f"{_ONE_GIT}/refs", "vso.code", git.refs),
    _change("POST", f"{_ONE_GIT}/refs", "vso.code_write", git.update_refs, "entries"),
    _read(f"{_ONE_GIT}/commits", "vso.code", git_history.commits),
    _read(f"{_ONE_GIT}/commits/{{commit}}", "vso.code", git_history.commit),
    _read(f"{_ONE_GIT}/commits/{{commit}}/changes", "vso.code", git_history.commit_changes),
    _read(f"{_ONE_GIT}/items", "vso.code", git_contents.items),
    _read(f"{_ONE_GIT}/blobs/{{sha}}", "vso.code", git_objects.blob),
    _change("POST", f"{_ONE_GIT}/blobs", "vso.code", git_objects.blobs, "texts"),
    _read(f"{_ONE_GIT}/trees/{{sha}}", "vso.code", git_objects.tree),
    _read(f"{_ONE_GIT}/stats/branches", "vso.code", git_history.branch_stats),
    _read(f"{_ONE_GIT}/pushes", "vso.code", git_pushes.pushes),
    _read(f"{_ONE_GIT}/pushes/{{push:int}}", "vso.code", git_pushes.one_push),
    _change("POST", f"{_ONE_GIT}/pushes", "vso.code_write", git_pushes.push, "fields"),
)
BUILD = (
    _read(f"{_BUILD}/definitions", "vso.build", build_lists.definitions),
    _read(f"{_BUILD}/definitions/{{definition:int}}", "vso.build", build.definition),
    _read(f"{_BUILD}/latest/{{definition}}", "vso.build", build.latest, released=None),
    _read(f"{_BUILD}/generalsettings", "vso.project", build.general_settings, released=_SINCE_7),
    _read(f"{_BUILD}/builds", "vso.build", build_lists.builds),
    _change("POST", f"{_BUILD}/builds", "vso.build_execute", build_changes.queue, "fields"),
    _read(_ONE_BUILD, "vso.build", build.build),
    _change("PATCH", _ONE_BUILD, "vso.build_execute", build_changes.update, "fields"),
    _change("DELETE", _ONE_BUILD, "vso.build_execute", build_changes.delete, "nothing"),
    _read(f"{_ONE_BUILD}/artifacts", "vso.build", build_artifacts.artifacts),
    _read(f"{_ONE_BUILD}/changes", "vso.build", build_sources.changes),
    _read(f"{_BUILD}/changes", "vso.build", build_sources.changes_between, released=_SINCE_7),
    _read(f"{_BUILD}/tags", "vso.build", build_tags.project_tags),
    _read(f"{_ONE_BUILD}/tags", "vso.build", build_tags.tags),
    _change("POST", f"{_ONE_BUILD}/tags", "vso.build_execute", build_tags.add_several, "texts"),
    _change("PATCH", f"{_ONE_BUILD}/tags", "vso.build_execute", build_tags.update, "fields"),
    _change("PUT", f"{_ONE_BUILD}/tags/{{tag}}", "vso.build_execute", build_tags.add, "nothing"),
    _change("DELETE", f"{_ONE_BUILD}/tags/{{tag}}", "vso.build_execute", build_tags.remove, "nothing"),
    _read(f"{_ONE_BUILD}/timeline", "vso.build", build_runs.timeline),
    _read(f"{_ONE_BUILD}/timeline/{{timeline}}", "vso.build", build_runs.timeline),
    _read(f"{_ONE_BUILD}/logs", "vso.build", build_runs.logs),
    _read(f"{_ONE_BUILD}/logs/{{log:int}}", "vso.build", build_runs.log),
    _read(f"{_ONE_BUILD}/workitems", "vso.build", build.work_items),
    _change("POST", f"{_ONE_BUILD}/workitems", "vso.build_execute", build.work_items, "nothing"),
)
PIPELINES = (
    _read(_PIPELINES, "vso.build", pipeline_runs.pipelines, released=_SINCE_7),
    _read(_ONE_PIPELINE, "vso.build", pipeline_runs.pipeline, released=_SINCE_7),
    _change("POST", f"{_ONE_PIPELINE}/preview", "vso.build", pipeline_runs.preview, "fields", _SINCE_7),
    _read(f"{_ONE_PIPELINE}/runs", "vso.build", pipeline_runs.runs, released=_SINCE_7),
    _change("POST", f"{_ONE_PIPELINE}/runs", "vso.build_execute", pipeline_runs.begin, "fields", _SINCE_7),
    _read(_ONE_RUN, "vso.build", pipeline_runs.run, released=_SINCE_7),
    _read(f"{_ONE_RUN}/artifacts", "vso.build", pipeline_runs.artifact, released=_SINCE_7),
    _read(f"{_ONE_RUN}/logs", "vso.build", pipeline_runs.logs, released=_SINCE_7),
    _read(f"{_ONE_RUN}/logs/{{log:int}}", "vso.build", pipeline_runs.log, released=_SINCE_7),
)
RELEASE = (
    # Published only with a project; the official clients omit it if none is given.
    _closed("_apis/release/releases", release_lists.releases),
    _closed(f"{_RELEASE}/definitions", release_lists.definitions),
    _closed(f"{_RELEASE}/definitions/{{definition:int}}", release.definition),
    _closed(f"{_RELEASE}/releases", release_lists.releases),
    _change("POST", f"{_RELEASE}/releases", "vso.release_execute", release_changes.create, "fields"),
    _closed(_ONE_RELEASE, release.release),
    _change("PATCH", _ONE_RELEASE, "vso.release_execute", release_changes.update, "fields"),
    _closed(f"{_ONE_RELEASE}/logs", release.logs, _SINCE_7),
    _closed(_STAGE, release.environment, _SINCE_7),
    _change("PATCH", _STAGE, "vso.release_execute", release_changes.update_environment, "fields", _SINCE_7),
    _closed(f"{_STAGE}/deployphases/{{phase:int}}/tasks/{{task:int}}/logs", release.log, _SINCE_7),
    _closed(f"{_RELEASE}/deployments", release_lists.deployments),
    _closed(f"{_RELEASE}/approvals", release_lists.approvals),
    _change("PATCH", f"{_RELEASE}/approvals/{{approval:int}}", "vso.release_manage", release_changes.decide, "fields"),
)
SECURITY = (
    _read("_apis/securitynamespaces", "", security.list_namespaces, public=False),
    _read("_apis/securitynamespaces/{namespace}", "", security.list_namespaces, public=False),
    _read("_apis/permissions/{namespace}/{permissions:int}", "", security.permissions, public=False),
    _change("POST", "_apis/security/permissionevaluationbatch", "", security.evaluate_batch, "fields"),
)


def _personal(method: str, scope: str, controller: Controller, takes: Takes = "nothing") -> Route:
    template = ("_apis", "tokens", "pats")
    return Route(method, template, (scope,), controller, takes, released=None, public=False, people_only=True)


TOKENS = (
    _personal("GET", "vso.pats", personal_tokens.find),
    _personal("POST", "vso.pats_manage", personal_tokens.create, "fields"),
    _personal("PUT", "vso.pats_manage", personal_tokens.update, "fields"),
    _personal("DELETE", "vso.pats_manage", personal_tokens.revoke),
)
ROUTES: tuple[Route, ...] = (*LOCATION, *CORE, *GIT, *BUILD, *PIPELINES, *RELEASE, *SECURITY, *TOKENS)
MAP = Map(ROUTES)
