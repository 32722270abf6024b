"""The words of events about repositories, builds and releases."""

from typing import Any

from connections.domain.problems import catalogue
from history.event_types import EventType


def _refreshed(detail: dict[str, Any]) -> str:
    words = [f"{detail.get('repositories', 0)} in all, {detail.get('added', 0)} new, {detail.get('gone', 0)} gone"]
    if detail.get("problem"):
        words.insert(0, catalogue.problem_in(detail).title)
    return ". ".join(words)


def _what(detail: dict[str, Any]) -> str:
    words = [str(detail.get("what", ""))]
    if detail.get("comment"):
        words.append(f"“{detail['comment']}”")
    if detail.get("problem"):
        words.append(catalogue.problem_in(detail).title)
    return ". ".join(words)


# What each act is called when it was done, and when it was not.
_ACTS = {
    "create_repository": ("Repository created", "Repository not created", "folder-plus"),
    "create_branch": ("Branch created", "Branch not created", "git-branch-plus"),
    "run_pipeline": ("Pipeline run", "Pipeline not run", "play"),
    "cancel_build": ("Build cancelled", "Build not cancelled", "circle-stop"),
    "commit_file": ("File committed", "File not committed", "git-commit-horizontal"),
    "create_release": ("Release created", "Release not created", "rocket"),
    "deploy_stage": ("Deployment started", "Deployment not started", "play"),
    "cancel_deployment": ("Deployment cancelled", "Deployment not cancelled", "circle-stop"),
    "approve_deployment": ("Deployment approved", "Deployment not approved", "thumbs-up"),
    "reject_deployment": ("Deployment rejected", "Deployment not rejected", "thumbs-down"),
}
KINDS = {
    "repositories.refreshed": EventType("Repositories synced", "folder-git-2", "quiet", _refreshed),
    **{f"{act}.done": EventType(done, icon, "info", _what) for act, (done, _, icon) in _ACTS.items()},
    **{f"{act}.failed": EventType(failed, icon, "warn", _what) for act, (_, failed, icon) in _ACTS.items()},
}
