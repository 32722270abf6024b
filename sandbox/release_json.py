"""JSON of releases, environments, deployments and approvals."""

from typing import Any

from sandbox.deployments import (
    Approval,
    Attempt,
    Environment,
    EnvironmentPlan,
    Progress,
    Release,
    ReleaseDefinition,
)
from sandbox.http_messages import Request, person_json
from sandbox.ids import instant, stable_id
from sandbox.pipelines import Build
from sandbox.state import Project

TASKS = ("Initialize job", "Download artifacts", "Deploy", "Finalize Job")


# Which approvals of an environment are included, and whether the planned approvers are.
EVERY_APPROVAL = frozenset({"manualApprovals", "automatedApprovals", "approvalSnapshots"})


class Writer:
    """Writes JSON for one request and project. `approvals` says which approvals environments include."""

    def __init__(self, request: Request, project: Project, *, approvals: frozenset[str] = EVERY_APPROVAL) -> None:
        self.request = request
        self.project = project
        self._approvals = approvals
        self.here = f"{request.here}/{project.id}/_apis/Release"
        self.web = f"{request.here}/{project.id}"

    def definition_reference(self, definition: ReleaseDefinition) -> dict[str, Any]:
        """A definition as part of other JSON."""
        url = f"{self.here}/definitions/{definition.id}"
        links = {
            "self": {"href": url},
            "web": {"href": f"{self.web}/_release?definitionId={definition.id}"},
        }
        return {"id": definition.id, "name": definition.name, "path": definition.path, "url": url, "_links": links}

    def release_reference(self, release: Release) -> dict[str, Any]:
        """A release as part of other JSON."""
        url = f"{self.here}/releases/{release.id}"
        links = {
            "self": {"href": url},
            "web": {"href": f"{self.web}/_release?releaseId={release.id}&_a=release-summary"},
        }
        return {"id": release.id, "name": release.name, "url": url, "_links": links}

    def environment_reference(self, release: Release, environment: Environment) -> dict[str, Any]:
        """An environment as part of other JSON."""
        url = f"{self.here}/releases/{release.id}/environments/{environment.id}"
        return {"id": environment.id, "name": environment.plan.name, "url": url, "_links": {}}

    def definition(self, definition: ReleaseDefinition, *, environments: bool, artifacts: bool) -> dict[str, Any]:
        """A definition, with its environments and artifacts on request."""
        author = person_json(self.request, definition.author)
        body: dict[str, Any] = self.definition_reference(definition) | {
            "source": "userInterface",
            "revision": 1,
            "description": None,
            "createdBy": author,
            "createdOn": instant(definition.created_at),
            "modifiedBy": author,
            "modifiedOn": instant(definition.created_at),
            "isDeleted": False,
            "variableGroups": None,
            "releaseNameFormat": "Release-$(rev:r)",
            "properties": {},
            "projectReference": None,
        }
        if environments:
            body["environments"] = [self._planned(definition, plan) for plan in definition.environments]
        if artifacts:
            body["artifacts"] = [
                self._artifact(source.alias, source.definition.id, source.definition.name, None)
                for source in definition.artifacts
            ]
        return body

    def _planned(self, definition: ReleaseDefinition, plan: EnvironmentPlan) -> dict[str, Any]:
        return {
            "id": plan.id,
            "name": plan.name,
            "rank": plan.rank,
            "owner": person_json(self.request, definition.author),
            "variables": {},
            "variableGroups": [],
            "preDeployApprovals": self._asked(plan, before=True),
            "postDeployApprovals": self._asked(plan, before=False),
            "deployPhases": [],
            "conditions": self._conditions(definition, plan),
            "demands": [],
            "schedules": [],
            "properties": {},
            "retentionPolicy": {"daysToKeep": 30, "releasesToKeep": 3, "retainBuild": True},
        }

    def _asked(self, plan: EnvironmentPlan, *, before: bool) -> dict[str, Any]:
        asked = plan.approvers if before else ()
        steps: list[dict[str, Any]] = [
            {
                "rank": 1,
                "isAutomated": False,
                "isNotificationOn": False,
                "approver": person_json(self.request, person),
                "id": 0,
            }
            for person in asked
        ]
        options = {
            "requiredApproverCount": len(asked),
            "releaseCreatorCanBeApprover": True,
            "autoTriggeredAndPreviousEnvironmentApprovedCanBeSkipped": False,
            "enforceIdentityRevalidation": False,
            "timeoutInMinutes": 43200 if asked else 0,
            "executionOrder": "beforeGates" if before else "afterSuccessfulGates",
        }
        nobody = [{"rank": 1, "isAutomated": True, "isNotificationOn": False, "id": 0}]
        return {"approvals": steps or nobody, "approvalOptions": options}

    def _conditions(self, definition: ReleaseDefinition, plan: EnvironmentPlan) -> list[dict[str, Any]]:
        if plan.start == "release":
            return [{"name": "ReleaseStarted", "conditionType": "event", "value": ""}]
        before = [environment for environment in definition.environments if environment.rank == plan.rank - 1]
        if plan.start == "previous" and before:
            return [{"name": before[0].name, "conditionType": "environmentState", "value": "4"}]
        return []

    def _artifact(self, alias: str, definition_id: int, definition_name: str, build: Build | None) -> dict[str, Any]:
        reference: dict[str, Any] = {
            "definition": {"id": str(definition_id), "name": definition_name},
            "project": {"id": self.project.id, "name": self.project.name},
        }
        if build is None:
            reference["defaultVersionType"] = {"id": "latestType", "name": "Latest"}
        else:
            reference |= {
                "version": {"id": str(build.id), "name": build.number},
                "branch": {"id": build.branch, "name": build.branch},
                "sourceVersion": {"id": build.commit, "name": ""},
            }
        return {
            "sourceId": f"{self.project.id}:{definition_id}",
            "type": "Build",
            "alias": alias,
            "definitionReference": reference,
            "isPrimary": True,
            "isRetained": False,
        }

    def release(self, release: Release, *, environments: bool, artifacts: bool) -> dict[str, Any]:
        """A release, with its environments and artifacts on request."""
        author = person_json(self.request, release.person)
        body: dict[str, Any] = self.release_reference(release) | {
            "status": release.status,
            "createdOn": instant(release.created_at),
            "modifiedOn": instant(release.created_at),
            "modifiedBy": author,
            "createdBy": author,
            "variables": {},
            "variableGroups": [],
            "releaseDefinition": self.definition_reference(release.definition),
            "releaseDefinitionRevision": 1,
            "description": release.description,
            "reason": release.reason,
            "releaseNameFormat": "Release-$(rev:r)",
            "keepForever": False,
            "definitionSnapshotRevision": 1,
            "logsContainerUrl": f"{self.here}/releases/{release.id}/logs",
            "tags": [],
            "projectReference": {"id": self.project.id, "name": self.project.name},
            "properties": {},
        }
        if environments:
            body["environments"] = [self.environment(release, environment) for environment in release.environments]
        if artifacts:
            body["artifacts"] = [
                self._artifact(alias, build.definition.id, build.definition.name, build)
                for alias, build in release.artifacts.items()
            ]
        return body

    def environment(self, release: Release, environment: Environment) -> dict[str, Any]:
        """An environment of a release, with its approvals and deployments."""
        plan = environment.plan
        body: dict[str, Any] = {
            "id": environment.id,
            "releaseId": release.id,
            "name": plan.name,
            "status": environment.status(self.request.now),
            "variables": {},
            "variableGroups": [],
            "preDeployApprovals": [
                self.approval(release, environment, attempt, approval)
                for attempt in environment.attempts
                for approval in attempt.approvals
                if ("automatedApprovals" if approval.approver is None else "manualApprovals") in self._approvals
            ],
            "postDeployApprovals": [],
            "deploySteps": [self._deploy_step(release, environment, attempt) for attempt in environment.attempts],
            "rank": plan.rank,
            "definitionEnvironmentId": plan.id,
            "demands": [],
            "conditions": [
                condition | {"result": bool(environment.attempts)}
                for condition in self._conditions(release.definition, plan)
            ],
            "workflowTasks": [],
            "deployPhasesSnapshot": [],
            "owner": person_json(self.request, release.definition.author),
            "schedules": [],
            "release": self.release_reference(release),
            "releaseDefinition": self.definition_reference(release.definition),
            "releaseCreatedBy": person_json(self.request, release.person),
            "triggerReason": self._trigger(release, plan),
            "processParameters": {},
        }
        if "approvalSnapshots" in self._approvals:
            body["preApprovalsSnapshot"] = self._asked(plan, before=True)
            body["postApprovalsSnapshot"] = self._asked(plan, before=False)
        if environment.attempts:
            last = environment.attempts[-1]
            progress = environment.progress(last, self.request.now)
            body["createdOn"] = instant(environment.attempts[0].queued_at)
            body["modifiedOn"] = instant(progress.finished_at or progress.started_at or last.queued_at)
            if progress.started_at and progress.finished_at:
                body["timeToDeploy"] = (progress.finished_at - progress.started_at).total_seconds() / 60
        return body

    def _trigger(self, release: Release, plan: EnvironmentPlan) -> str:
        conditions = self._conditions(release.definition, plan)
        if plan.start != "previous" or not conditions:
            return "Manual" if plan.start == "hand" else "After release creation"
        return f"After successful deployment of {conditions[0]['name']}"

    def approval(
        self, release: Release, environment: Environment, attempt: Attempt, approval: Approval
    ) -> dict[str, Any]:
        """An approval: who is asked, or who decided what."""
        body: dict[str, Any] = {
            "id": approval.id,
            "revision": approval.revision,
            "approvalType": "preDeploy",
            "createdOn": instant(approval.created_at),
            "modifiedOn": instant(approval.decided_at or approval.created_at),
            "status": approval.status,
            "comments": approval.comments,
            "isAutomated": approval.approver is None,
            "isNotificationOn": approval.approver is not None,
            "trialNumber": attempt.number,
            "attempt": attempt.number,
            "rank": 1,
            "release": self.release_reference(release),
            "releaseDefinition": self.definition_reference(release.definition),
            "releaseEnvironment": self.environment_reference(release, environment),
            "url": f"{self.here}/approvals/{approval.id}",
        }
        if approval.approver is not None:
            body["approver"] = person_json(self.request, approval.approver)
        if approval.decided_by is not None:
            body["approvedBy"] = person_json(self.request, approval.decided_by)
        return body

    def _state(
        self, release: Release, environment: Environment, attempt: Attempt, progress: Progress
    ) -> dict[str, Any]:
        """The properties that a deployment and a deploy step share."""
        return {
            "attempt": attempt.number,
            "reason": "manual" if attempt.by_hand else "automated",
            # The service capitalizes these values, unlike all others.
            "operationStatus": progress.operation,
            "requestedBy": person_json(self.request, attempt.person),
            "requestedFor": person_json(self.request, release.person),
            "queuedOn": instant(attempt.queued_at),
            "lastModifiedBy": person_json(self.request, attempt.canceled_by or attempt.person),
            "lastModifiedOn": instant(progress.finished_at or progress.started_at or attempt.queued_at),
        }

    def deployment(self, release: Release, environment: Environment, attempt: Attempt) -> dict[str, Any]:
        """A deployment in the list of deployments."""
        progress = environment.progress(attempt, self.request.now)
        body: dict[str, Any] = self._state(release, environment, attempt, progress) | {
            "id": attempt.id,
            "release": self.release_reference(release) | {"artifacts": [], "webAccessUri": None},
            "releaseDefinition": self.definition_reference(release.definition),
            "releaseEnvironment": self.environment_reference(release, environment),
            "projectReference": None,
            "definitionEnvironmentId": environment.plan.id,
            "deploymentStatus": progress.deployment,
            "conditions": self._conditions(release.definition, environment.plan),
            "preDeployApprovals": [
                self.approval(release, environment, attempt, approval) for approval in attempt.approvals
            ],
            "postDeployApprovals": [],
        }
        if progress.started_at:
            body["startedOn"] = instant(progress.started_at)
        if progress.finished_at:
            body["completedOn"] = instant(progress.finished_at)
        return body

    def _deploy_step(self, release: Release, environment: Environment, attempt: Attempt) -> dict[str, Any]:
        progress = environment.progress(attempt, self.request.now)
        return self._state(release, environment, attempt, progress) | {
            "id": attempt.id,
            "deploymentId": attempt.id,
            "status": progress.deployment,
            "hasStarted": progress.started_at is not None,
            "issues": [],
            "releaseDeployPhases": self._phases(release, environment, attempt, progress),
        }

    def _phases(
        self, release: Release, environment: Environment, attempt: Attempt, progress: Progress
    ) -> list[dict[str, Any]]:
        if progress.started_at is None:
            return []
        status = {"canceled": "canceled", "rejected": "failed"}.get(progress.environment, progress.environment)
        tasks = [self._task(release, environment, attempt, number, name) for number, name in enumerate(TASKS, start=1)]
        return [
            {
                "id": attempt.id,
                "phaseId": str(attempt.id),
                "name": "Agent job",
                "rank": 1,
                "phaseType": "agentBasedDeployment",
                "status": status,
                "runPlanId": stable_id("run", self.project.id, attempt.id),
                "deploymentJobs": [{"job": tasks[0] | {"name": "Agent job"}, "tasks": tasks}],
                "manualInterventions": [],
                "startedOn": instant(progress.started_at),
            }
        ]

    def _task(
        self, release: Release, environment: Environment, attempt: Attempt, number: int, name: str
    ) -> dict[str, Any]:
        phases = f"{self.here}/releases/{release.id}/environments/{environment.id}/deployPhases/{attempt.id}"
        return {
            "id": number,
            "timelineRecordId": stable_id("task", self.project.id, attempt.id, number),
            "name": name,
            "status": task_status(environment, attempt, number, self.request),
            "rank": number,
            "issues": [],
            "agentName": "Hosted Agent",
            "logUrl": f"{phases}/tasks/{number}/logs",
        }


def task_status(environment: Environment, attempt: Attempt, number: int, request: Request) -> str:
    """The state of a deployment task. All but the last two are finished as soon as the deployment starts."""
    progress = environment.progress(attempt, request.now)
    if progress.finished_at is None:
        return "succeeded" if number <= len(TASKS) - 2 else "inProgress" if number == len(TASKS) - 1 else "pending"
    if number != len(TASKS) - 1:
        return "succeeded"
    return {"canceled": "canceled", "rejected": "failed"}.get(progress.environment, progress.environment)


def task_log(attempt: Attempt, number: int) -> list[str]:
    """The log lines of a deployment task."""
    name = TASKS[number - 1]
    at = instant(attempt.approved_at or attempt.queued_at)
    return [f"{at} ##[section]Starting: {name}", f"{at} Attempt {attempt.number}", f"{at} ##[section]Finishing: {name}"]
