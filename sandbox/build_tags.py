"""The tags of builds. https://learn.microsoft.com/rest/api/azure/devops/build/tags"""

from collections.abc import Iterable
from typing import Any

from sandbox.build import find_build
from sandbox.core import find_project
from sandbox.http_messages import Answer, ErrorResponse, Request, argument_missing, invalid_body, listing
from sandbox.pipelines import Build

_RIGHT = "Update build information"


def project_tags(request: Request, names: dict[str, str]) -> Answer:
    """List the tags of all builds of a project."""
    project = find_project(request, names)
    return listing(request, _sorted({tag.lower(): tag for build in project.kept_builds for tag in build.tags}.values()))


def _sorted(tags: Iterable[str]) -> list[str]:
    return sorted(tags, key=str.casefold)


def tags(request: Request, names: dict[str, str]) -> Answer:
    """List the tags of one build."""
    _, build = find_build(request, names)
    return listing(request, _sorted(build.tags))


def add(request: Request, names: dict[str, str]) -> Answer:
    """Add the tag in the path, unless it exists already in any case."""
    _, build = find_build(request, names, changing=_RIGHT)
    return _changed(request, build, adding=[names["tag"]])


def add_several(request: Request, names: dict[str, str]) -> Answer:
    """Add the tags of the body."""
    _, build = find_build(request, names, changing=_RIGHT)
    if not request.texts():
        raise ErrorResponse(argument_missing(request, "tags"))
    return _changed(request, build, adding=request.texts())


def remove(request: Request, names: dict[str, str]) -> Answer:
    """Remove the tag in the path, if it exists."""
    _, build = find_build(request, names, changing=_RIGHT)
    return _changed(request, build, removing=[names["tag"]])


def update(request: Request, names: dict[str, str]) -> Answer:
    """Add and remove the tags in the body."""
    _, build = find_build(request, names, changing=_RIGHT)
    fields = request.fields()
    return _changed(
        request,
        build,
        adding=_texts(request, fields.get("tagsToAdd")),
        removing=_texts(request, fields.get("tagsToRemove")),
    )


def _texts(request: Request, value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ErrorResponse(invalid_body(request))
    return value


def _changed(request: Request, build: Build, *, adding: Iterable[str] = (), removing: Iterable[str] = ()) -> Answer:
    gone = {tag.lower() for tag in removing}
    build.tags = [tag for tag in build.tags if tag.lower() not in gone]
    for tag in adding:
        if tag.lower() not in {present.lower() for present in build.tags}:
            build.tags.append(tag)
    return listing(request, _sorted(build.tags))
