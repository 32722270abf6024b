"""Who asks, and where things are: what every client asks first."""

from typing import Any

from sandbox.refusals import ANONYMOUS_ID, stable_tenant
from sandbox.wire import Answer, Request, json_answer, listing
from sandbox.world import Person, stable_id

# Areas and addresses as the service lists them; the ids are Microsoft's own.
_AREAS = {
    "core": "79134c72-4a58-4b42-976c-04e7115f32bf",
    "git": "4e080c62-fa21-4fbc-8fef-2a10a2b38049",
    "build": "965220d5-5bb9-42cf-8d67-9b146df2a5a4",
    "Release": "efc2f575-36ef-48e9-b672-0c6fb4a48ac5",
}
_GIT_CHILD = "{project}/_apis/{area}/repositories/{repositoryId}/{resource}"
_LOCATIONS = (
    ("Location", "ResourceAreas", "e81700f7-3be2-46de-8624-2eb35882fcaa", "_apis/{resource}/{areaId}"),
    ("Location", "ConnectionData", "00d9565f-ed9c-4a06-9a50-00e7896ccab4", "_apis/{resource}"),
    ("core", "projects", "603fe2ac-9723-48b9-88ad-09305aa6c6e1", "_apis/{resource}/{*projectId}"),
    ("git", "repositories", "225f7195-f9c7-4d14-ab28-a83f7ff77e1f", "{project}/_apis/{area}/{resource}/{repositoryId}"),
    ("git", "refs", "2d874a60-a811-4f62-9c9f-963a6ea0a55b", f"{_GIT_CHILD}/{{*filter}}"),
    ("git", "commits", "c2570c3b-5b3f-41b8-98bf-5407bfde8d58", f"{_GIT_CHILD}/{{commitId}}"),
    ("build", "Builds", "0cd358e1-9217-4d94-8269-1c1ee6f93dcf", "{project}/_apis/build/{resource}/{buildId}"),
    ("build", "Definitions", "dbeaf647-6167-421a-bda9-c9327b25e2e6", "{project}/_apis/build/{resource}/{definitionId}"),
    (
        "Release",
        "definitions",
        "d8f96f24-8ea7-4cb6-baab-2df8fc515665",
        "{project}/_apis/{area}/{resource}/{definitionId}",
    ),
    ("Release", "releases", "a166fde7-27ad-408e-ba75-703c2cc9d500", "{project}/_apis/{area}/{resource}/{releaseId}"),
)


def connection_data(request: Request, _names: dict[str, str]) -> Answer:
    """Whose token it is; nobody's where a project is public."""
    user = _person(request.person) if request.person is not None else _nobody()
    body = {
        "authenticatedUser": user,
        "authorizedUser": user,
        "instanceId": request.organization.id,
        "deploymentId": stable_id("deployment"),
        "deploymentType": "hosted",
        "locationServiceData": {
            "serviceOwner": "00025394-6065-48ca-87d9-7f5672854ef7",
            "defaultAccessMappingMoniker": "PublicAccessMapping",
            "lastChangeId": 1,
            "lastChangeId64": 1,
        },
    }
    return json_answer(request, body)


def _person(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "descriptor": f"Microsoft.IdentityModel.Claims.ClaimsIdentity;{stable_tenant()}\\{person.upn}",
        "subjectDescriptor": f"aad.{person.id.replace('-', '')}",
        "providerDisplayName": person.name,
        "isActive": True,
        "properties": {"Account": {"$type": "System.String", "$value": person.upn}},
        "resourceVersion": 2,
        "metaTypeId": 0,
    }


def _nobody() -> dict[str, Any]:
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


def options(request: Request, _names: dict[str, str]) -> Answer:
    """Every address this sandbox serves to a client that looks."""
    items = [
        {
            "id": id_,
            "area": area,
            "resourceName": name,
            "routeTemplate": template,
            "resourceVersion": 1,
            "minVersion": "1.0",
            "maxVersion": "7.2",
            "releasedVersion": "0.0" if name == "ConnectionData" else "7.1",
        }
        for area, name, id_, template in _LOCATIONS
    ]
    return listing(request, items)


def resource_areas(request: Request, _names: dict[str, str]) -> Answer:
    """Where each area lives: all of them here."""
    here = f"{request.base_url}/{request.organization.name}/"
    return listing(request, [{"id": id_, "name": name, "locationUrl": here} for name, id_ in _AREAS.items()])
