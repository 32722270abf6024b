"""Artifacts of builds. https://learn.microsoft.com/rest/api/azure/devops/build/artifacts"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sandbox.build import WEB_API, find_build
from sandbox.http_messages import Answer, ErrorResponse, Request, error, json_answer, listing
from sandbox.ids import stable_id
from sandbox.pipelines import Build, Step
from sandbox.state import Project
from sandbox.zips import wants_zip, zip_answer

# The name of the last task of a job contains the name of the artifact.
_PUBLISHES = "Publish artifact: "
_FILE_COUNT = 12


@dataclass(frozen=True)
class Artifact:
    """Files that a step of a build published under a name."""

    id: int
    name: str
    step: Step
    build: Build

    @property
    def files(self) -> dict[str, bytes]:
        """Path in the artifact to content."""
        return {
            f"app/module-{number:02d}.txt": f"Module {number} of build {self.build.number}\n".encode()
            for number in range(1, _FILE_COUNT + 1)
        }


def artifacts_of(request: Request, build: Build) -> list[Artifact]:
    """What a build has published so far."""
    published = [
        record.step
        for record in build.records(request.now)
        if record.step.name.startswith(_PUBLISHES) and record.result == "succeeded"
    ]
    return [
        Artifact(number, step.name.removeprefix(_PUBLISHES), step, build)
        for number, step in enumerate(published, start=1)
    ]


def find_artifact(request: Request, build: Build, name: str) -> Artifact:
    """The artifact with this name, ignoring case. Raises `ErrorResponse`."""
    match = next((artifact for artifact in artifacts_of(request, build) if artifact.name.lower() == name.lower()), None)
    if match is None:
        text = f"Artifact {name} was not found for build {build.id}."
        raise ErrorResponse(error(request, 404, text, "ArtifactNotFoundException", WEB_API))
    return match


def artifacts(request: Request, names: dict[str, str]) -> Answer:
    """List the artifacts of a build, or read one by `artifactName`, as JSON or as a zip file."""
    project, build = find_build(request, names)
    name = request.query.get("artifactName", "")
    if not name:
        return listing(request, [_artifact_json(request, project, item) for item in artifacts_of(request, build)])
    artifact = find_artifact(request, build, name)
    if wants_zip(request):
        files = {f"{artifact.name}/{path}": content for path, content in artifact.files.items()}
        return zip_answer(request, artifact.name, files)
    return json_answer(request, _artifact_json(request, project, artifact))


def _artifact_json(request: Request, project: Project, artifact: Artifact) -> dict[str, Any]:
    here = f"{request.here}/{project.id}/_apis/build/builds/{artifact.build.id}/artifacts"
    url = f"{here}?artifactName={quote(artifact.name)}&api-version={request.version}"
    return {
        "id": artifact.id,
        "name": artifact.name,
        "source": stable_id("record", project.id, artifact.build.id, artifact.step.parent),
        "resource": {
            "type": "Container",
            "data": f"#/{artifact.build.id}/{artifact.name}",
            "properties": {
                "localpath": f"/home/vsts/work/1/a/{artifact.name}",
                "artifactsize": str(sum(len(content) for content in artifact.files.values())),
            },
            "url": url,
            "downloadUrl": f"{url}&%24format=zip",
        },
    }
