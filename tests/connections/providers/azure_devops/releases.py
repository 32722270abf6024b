"""A release, its environments and its approvals, as Azure DevOps writes them and as they are read."""

from datetime import UTC, datetime
from typing import Any

from connections.providers.azure_devops.release_models import (
    Approval,
    ApprovalStatus,
    Artifact,
    Attempt,
    DeploymentStatus,
    Environment,
    EnvironmentStatus,
    Release,
    ReleaseStatus,
)
from connections.providers.organization import Identity

P = "Web Shop"
HERE = "/acme/Web%20Shop/_apis/release"
NEXT = "x-ms-continuationtoken"
MAYA = {"id": "u-1", "displayName": "Maya Sample", "uniqueName": "maya@example.com"}
IDENTITY = Identity("u-1", "Maya Sample", "maya@example.com")
AT = "2019-07-13T15:49:31.86Z"
MOMENT = datetime(2019, 7, 13, 15, 49, 31, 860000, tzinfo=UTC)
WEB = {"web": {"href": "https://dev.azure.com/acme/x/_release?releaseId=178"}}
REFERENCES = {
    "release": {"id": 178, "name": "Release-132"},
    "releaseDefinition": {"id": 2, "name": "shop-cd"},
    "releaseEnvironment": {"id": 2149, "name": "Test"},
}
APPROVAL: dict[str, Any] = {
    "id": 3577,
    "approvalType": "preDeploy",
    "status": "approved",
    "comments": "Good to go",
    "isAutomated": False,
    "attempt": 2,
    "createdOn": AT,
    "modifiedOn": AT,
    "approver": MAYA,
    "approvedBy": MAYA,
    **REFERENCES,
}
WHOLE_APPROVAL = Approval(
    id=3577,
    status=ApprovalStatus.APPROVED,
    kind="preDeploy",
    approver=IDENTITY,
    decided_by=IDENTITY,
    comments="Good to go",
    attempt=2,
    created_at=MOMENT,
    changed_at=MOMENT,
    release_id=178,
    release_name="Release-132",
    definition_id=2,
    environment_name="Test",
)
ENVIRONMENT: dict[str, Any] = {
    "id": 2149,
    "name": "Test",
    "status": "succeeded",
    "rank": 2,
    "definitionEnvironmentId": 10,
    "preDeployApprovals": [APPROVAL],
    "postDeployApprovals": [{"id": 3579, "status": "pending", "approvalType": "postDeploy", "isAutomated": True}],
    "deploySteps": [
        {
            "attempt": 1,
            "status": "succeeded",
            "operationStatus": "Approved",
            "requestedBy": MAYA,
            "queuedOn": "0001-01-01T00:00:00",
            "lastModifiedOn": AT,
        }
    ],
    "modifiedOn": AT,
    "timeToDeploy": 1.5,
}
WHOLE_ENVIRONMENT = Environment(
    id=2149,
    name="Test",
    status=EnvironmentStatus.SUCCEEDED,
    rank=2,
    approvals=(WHOLE_APPROVAL, Approval(3579, ApprovalStatus.PENDING, "postDeploy", is_automated=True)),
    attempts=(Attempt(1, DeploymentStatus.SUCCEEDED, "approved", IDENTITY, changed_at=MOMENT),),
    changed_at=MOMENT,
    minutes=1.5,
)
RELEASE: dict[str, Any] = {
    "id": 178,
    "name": "Release-132",
    "status": "active",
    "releaseDefinition": {"id": 2, "name": "shop-cd"},
    "description": "By hand",
    "reason": "manual",
    "createdBy": MAYA,
    "createdOn": AT,
    "modifiedOn": AT,
    "environments": [ENVIRONMENT, {"id": 2148, "name": "Build", "status": "notStarted", "rank": 1}],
    "artifacts": [
        {
            "alias": "shop",
            "type": "Build",
            "isPrimary": True,
            "definitionReference": {
                "version": {"id": "358", "name": "20190713.1"},
                "branch": {"id": "refs/heads/main", "name": "main"},
                "sourceVersion": {"id": "c" * 40, "name": None},
                "definition": {"id": "23", "name": "shop-ci"},
            },
        }
    ],
    "_links": WEB,
}
WHOLE_RELEASE = Release(
    id=178,
    name="Release-132",
    status=ReleaseStatus.ACTIVE,
    definition_id=2,
    definition_name="shop-cd",
    description="By hand",
    reason="manual",
    created_by=IDENTITY,
    created_at=MOMENT,
    environments=(Environment(2148, "Build", EnvironmentStatus.NOT_STARTED, rank=1), WHOLE_ENVIRONMENT),
    artifacts=(Artifact("shop", "Build", "20190713.1", "refs/heads/main", "c" * 40, "shop-ci"),),
    web_url="https://dev.azure.com/acme/x/_release?releaseId=178",
)
