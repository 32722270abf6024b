"""Identity, areas and locations: what every client requests first."""

from typing import Any
from urllib.parse import quote

from sandbox.editions import Version, spelled
from sandbox.http_messages import Answer, ErrorResponse, Request, json_answer, listing, model_error
from sandbox.ids import stable_id
from sandbox.people import ANONYMOUS_ID, Person

# Areas and URLs as the service lists them, with Microsoft's own ids.
_AREAS = {
    "core": "79134c72-4a58-4b42-976c-04e7115f32bf",
    "git": "4e080c62-fa21-4fbc-8fef-2a10a2b38049",
    "Build": "965220d5-5bb9-42cf-8d67-9b146df2a5a4",
    "Release": "efc2f575-36ef-48e9-b672-0c6fb4a48ac5",
    "Pipelines": "2e0bf237-8973-4ec9-a581-9c3d679d1776",
    # Work items are not supported, but the official Node client looks up their area when it uses pipelines.
    "wit": "5264459e-e5e0-4bd8-b118-0985e68a4ec5",
}
_GIT_PART = "{project}/_apis/{area}/repositories/{repositoryId}"
_BUILD_PART = "{project}/_apis/{area}/builds/{buildId}"
_RUN_PART = "{project}/_apis/{area}/{pipelineId}/runs/{runId}"
_RELEASE_PART = "{project}/_apis/Release/releases/{releaseId}/{resource}/{environmentId}"
_RELEASE_LOG = (
    "{project}/_apis/{area}/releases/{releaseId}/environments/{environmentId}/deployPhases/{releaseDeployPhaseId}/tasks/"
    "{taskId}/{resource}"
)
# Area, resource, id, route template, and resource version.
_LOCATIONS = (
    ("Location", "ResourceAreas", "e81700f7-3be2-46de-8624-2eb35882fcaa", "_apis/{resource}/{areaId}", 1),
    ("Location", "ConnectionData", "00d9565f-ed9c-4a06-9a50-00e7896ccab4", "_apis/{resource}", 1),
    (
        "Security",
        "SecurityNamespaces",
        "ce7b9f95-fde9-4be8-a86d-83b366f0b87a",
        "_apis/{resource}/{securityNamespaceId}",
        1,
    ),
    (
        "Security",
        "Permissions",
        "dd3b8bd6-c7fc-4cbd-929a-933d9c011c9d",
        "_apis/{resource}/{securityNamespaceId}/{permissions}",
        2,
    ),
    ("Security", "PermissionEvaluationBatch", "cf1faa59-1b63-4448-bf04-13d981a46f5d", "_apis/{area}/{resource}", 1),
    ("core", "projects", "603fe2ac-9723-48b9-88ad-09305aa6c6e1", "_apis/{resource}/{*projectId}", 4),
    (
        "git",
        "repositories",
        "225f7195-f9c7-4d14-ab28-a83f7ff77e1f",
        "{project}/_apis/{area}/{resource}/{repositoryId}",
        1,
    ),
    ("git", "refs", "2d874a60-a811-4f62-9c9f-963a6ea0a55b", f"{_GIT_PART}/{{resource}}/{{*filter}}", 1),
    ("git", "commits", "c2570c3b-5b3f-41b8-98bf-5407bfde8d58", f"{_GIT_PART}/{{resource}}/{{commitId}}", 1),
    ("git", "changes", "5bf884f5-3e07-42e9-afb8-1b872267bf16", f"{_GIT_PART}/commits/{{commitId}}/{{resource}}", 1),
    ("git", "items", "fb93c0db-47ed-4a31-8c20-47552878fb44", f"{_GIT_PART}/{{resource}}/{{*path}}", 1),
    ("git", "blobs", "7b28e929-2c99-405d-9c5c-6167a06e6816", f"{_GIT_PART}/{{resource}}/{{sha1}}", 1),
    ("git", "trees", "729f6437-6f92-44ec-8bee-273a7111063c", f"{_GIT_PART}/{{resource}}/{{sha1}}", 1),
    ("git", "pushes", "ea98d07b-3c87-4971-8ede-a613694ffb55", f"{_GIT_PART}/{{resource}}/{{pushId}}", 2),
    ("git", "branchStats", "d5b216de-d8d5-4d32-ae76-51df755b16d3", f"{_GIT_PART}/stats/branches", 1),
    ("Build", "Builds", "0cd358e1-9217-4d94-8269-1c1ee6f93dcf", "{project}/_apis/build/{resource}/{buildId}", 7),
    (
        "Build",
        "Definitions",
        "dbeaf647-6167-421a-bda9-c9327b25e2e6",
        "{project}/_apis/build/{resource}/{definitionId}",
        7,
    ),
    ("build", "logs", "35a80daf-7f30-45fc-86e8-6b813d9c90df", f"{_BUILD_PART}/{{resource}}/{{logId}}", 2),
    ("build", "Timeline", "8baac422-4c6e-4de5-8532-db96d92acffa", f"{_BUILD_PART}/{{resource}}/{{timelineId}}", 2),
    ("build", "artifacts", "1db06c96-014e-44e1-ac91-90b2d4b3e984", f"{_BUILD_PART}/{{resource}}/{{artifactName}}", 5),
    ("build", "changes", "54572c7b-bbd3-45d4-80dc-28be08941620", f"{_BUILD_PART}/{{resource}}", 2),
    ("build", "changes", "f10f0ea5-18a1-43ec-a8fb-2042c7be9b43", "{project}/_apis/{area}/{resource}", 3),
    ("build", "tags", "d84ac5c6-edc7-43d5-adc9-1b34be5dea09", "{project}/_apis/{area}/{resource}/{*tag}", 2),
    ("build", "tags", "6e6114b2-8161-44c8-8f6c-c5505782427f", f"{_BUILD_PART}/{{resource}}/{{*tag}}", 2),
    ("build", "workitems", "5a21f5d2-5642-47e4-a0bd-1356e6731bee", f"{_BUILD_PART}/{{resource}}", 2),
    ("build", "latest", "54481611-01f4-47f3-998f-160da0f0c229", "{project}/_apis/{area}/{resource}/{*definition}", 1),
    ("build", "generalSettings", "c4aefd19-30ff-405b-80ad-aca021e7242a", "{project}/_apis/{area}/{resource}", 1),
    ("Pipelines", "pipelines", "28e1305e-2afe-47bf-abaf-cbb0e6a91988", "{project}/_apis/{area}/{pipelineId}", 1),
    (
        "Pipelines",
        "preview",
        "53df2d18-29ea-46a9-bee0-933540f80abf",
        "{project}/_apis/{area}/{pipelineId}/{resource}",
        1,
    ),
    (
        "Pipelines",
        "runs",
        "7859261e-d2e9-4a68-b820-a5d84cc5bb3d",
        "{project}/_apis/{area}/{pipelineId}/{resource}/{runId}",
        2,
    ),
    ("Pipelines", "artifacts", "85023071-bd5e-4438-89b0-2a5bf362a19d", f"{_RUN_PART}/{{resource}}", 1),
    ("Pipelines", "logs", "fb1b6d27-3957-43d5-a14b-a2d70403e545", f"{_RUN_PART}/{{resource}}/{{logId}}", 1),
    (
        "Release",
        "definitions",
        "d8f96f24-8ea7-4cb6-baab-2df8fc515665",
        "{project}/_apis/{area}/{resource}/{definitionId}",
        4,
    ),
    ("Release", "releases", "a166fde7-27ad-408e-ba75-703c2cc9d500", "{project}/_apis/{area}/{resource}/{releaseId}", 8),
    ("Release", "environments", "a7e426b1-03dc-48af-9dfe-c98bac612dcb", _RELEASE_PART, 7),
    (
        "Release",
        "logs",
        "c37fbab5-214b-48e4-a55b-cb6b4f6e4038",
        "{project}/_apis/{area}/releases/{releaseId}/{resource}",
        2,
    ),
    ("Release", "logs", "17c91af7-09fd-4256-bff1-c24ee4f73bc0", _RELEASE_LOG, 2),
    ("Release", "deployments", "b005ef73-cddc-448e-9ba2-5193bf36b19f", "{project}/_apis/{area}/{resource}", 2),
    ("Release", "approvals", "b47c6458-e73b-47cb-a770-4df1e8813a91", "{project}/_apis/{area}/{resource}", 3),
    (
        "Release",
        "approvals",
        "9328e074-59fb-465a-89d9-b09c82ee5109",
        "{project}/_apis/{area}/{resource}/{approvalId}",
        3,
    ),
)
_NEVER: Version = (99, 0)
# Which resources are previews, or were until some version.
_RELEASED: dict[tuple[str, str], Version] = {
    ("Location", "ConnectionData"): _NEVER,
    ("Location", "ResourceAreas"): _NEVER,
    ("build", "latest"): _NEVER,
    **{("Pipelines", name): (7, 1) for name in ("pipelines", "preview", "runs", "artifacts", "logs")},
    ("Release", "environments"): (7, 1),
    ("Release", "logs"): (7, 1),
    ("build", "generalSettings"): (7, 1),
}
_EVERYWHERE = ("Location",)


def connection_data(request: Request, _names: dict[str, str]) -> Answer:
    """The owner of the token; anonymous if a project is public."""
    user = _person(request, request.person) if request.person is not None else _anonymous()
    hosted = request.edition.hosted
    body = {
        "authenticatedUser": user,
        "authorizedUser": user,
        "instanceId": request.organization.id,
        "deploymentId": stable_id("deployment"),
        "deploymentType": "hosted" if hosted else "onPremises",
        "locationServiceData": {
            "serviceOwner": "00025394-6065-48ca-87d9-7f5672854ef7",
            "defaultAccessMappingMoniker": "PublicAccessMapping",
            "lastChangeId": 1,
            "lastChangeId64": 1,
        },
    }
    return json_answer(request, body)


def _person(request: Request, person: Person) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": person.id,
        "descriptor": person.identity,
        "subjectDescriptor": person.descriptor,
        "providerDisplayName": person.name,
        "isActive": True,
        "properties": {"Account": {"$type": "System.String", "$value": person.upn}},
        "resourceVersion": 2,
        "metaTypeId": 0,
    }
    if not request.edition.hosted:
        # Inferred: on a server, people are Windows accounts.
        body["descriptor"] = f"System.Security.Principal.WindowsIdentity;S-1-5-21-{int(person.id[:8], 16)}"
    return body


def _anonymous() -> dict[str, Any]:
    return {
        "id": ANONYMOUS_ID,
        "descriptor": f"System:PublicAccess;{ANONYMOUS_ID}",
        "subjectDescriptor": "sys.anonymous",
        "providerDisplayName": "Anonymous",
        "isActive": True,
        "properties": {},
        "resourceVersion": 2,
        "metaTypeId": 0,
    }


def options(request: Request, names: dict[str, str]) -> Answer:
    """The routes that this host serves, of all areas or of one."""
    edition, area = request.edition, names.get("area", "").lower()
    items = [
        {
            "id": id_,
            "area": of,
            "resourceName": name,
            "routeTemplate": template,
            "resourceVersion": version,
            "minVersion": "1.0",
            "maxVersion": spelled(edition.newest),
            "releasedVersion": spelled(
                (0, 0) if _RELEASED.get((of, name), edition.released) > edition.released else edition.released
            ),
        }
        for of, name, id_, template, version in _LOCATIONS
        if area in ("", of.lower())
        and (request.release_host is None or of in _EVERYWHERE or (of == "Release") == request.release_host)
    ]
    return listing(request, items)


def _areas(request: Request) -> list[dict[str, str]]:
    main = request.main_url or request.base_url
    release = request.release_url or main
    return [
        {
            "id": id_,
            "name": name,
            "locationUrl": f"{release if name == 'Release' else main}/{quote(request.organization.name)}/",
        }
        for name, id_ in _AREAS.items()
    ]


def resource_areas(request: Request, _names: dict[str, str]) -> Answer:
    """The host of each area. Azure DevOps Server has no such list, because it has one host."""
    if not request.edition.hosted:
        return json_answer(request, {"count": 0, "value": None})
    return listing(request, _areas(request))


def resource_area(request: Request, names: dict[str, str]) -> Answer:
    """The host of one area, by its id."""
    area_id = names["area"].lower()
    match = next((area for area in _areas(request) if area["id"] == area_id), None)
    if match is None or not request.edition.hosted:
        raise ErrorResponse(model_error(request, 404, f"The resource area {names['area']} does not exist."))
    return json_answer(request, match)
