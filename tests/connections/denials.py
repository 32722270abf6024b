"""Rights that are lacking in some projects of a sandbox, and projects that nobody sees."""

from sandbox.server import Sandbox

WRITES = r"/(pushes|builds/\d+|releases/\d+|approvals/\d+)\Z"


def deny(sandbox: Sandbox, *project_ids: str, path: str = "") -> None:
    """Refuse calls in these projects as Azure DevOps refuses a person who lacks the right.

    `path` is a regular expression for what follows the project's id; empty means every call.
    """
    for project_id in project_ids:
        sandbox.behaviour.add("permission_denied", path=f"/{project_id}/.*{path}")


def hide(sandbox: Sandbox, project_id: str, organization: str = "acme") -> None:
    """Show a project to nobody any more."""
    for project in sandbox.state.organizations[organization].projects:
        if project.id == project_id:
            project.seen_by = frozenset()
