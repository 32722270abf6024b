"""A sandbox in which a person lacks rights in some projects."""

import json

from sandbox.sample_code import MAYA
from sandbox.server import Sandbox

WRITES = r"/(pushes|builds/\d+|releases/\d+|approvals/\d+)\Z"


def deny(sandbox: Sandbox, *project_ids: str, path: str = "") -> None:
    """Refuse Maya's calls in these projects as Azure DevOps refuses a person who lacks the right.

    `path` is a regular expression for what follows the project's id; empty means every call.
    """
    body = {"message": "TF401027: You need the permission.", "typeKey": "GitNeedsPermissionException"}
    headers = {"Content-Type": "application/json; charset=utf-8", "X-VSS-UserData": f"{MAYA.id}:{MAYA.upn}"}
    for project_id in project_ids:
        below = f"/{project_id}/.*{path}"
        sandbox.behaviour.add("status", path=below, status=403, body=json.dumps(body), headers=headers)


def hide(sandbox: Sandbox, project_id: str, organization: str = "acme") -> None:
    """Show a project to nobody any more."""
    for project in sandbox.world.organizations[organization].projects:
        if project.id == project_id:
            project.seen_by = frozenset()
