"""Find out why a project is not listed."""

import time
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from connections import clients
from connections.actions.token_test_rate_limit import count_test
from connections.actions.verify_credential import Credentials, VerificationResult, kept_result, verify_new
from connections.domain.verification import Report
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.deadlines import deadline
from connections.providers.azure_devops.errors import AzureDevOpsError, ListIncomplete, NotFound, TimedOut
from connections.providers.azure_devops.models import Project
from connections.providers.organization import Place, with_place


@dataclass(frozen=True, slots=True)
class Answer:
    """The cause as a stable code, and its text. `code` is "listed" if the project is visible."""

    code: str
    tone: str
    icon: str
    title: str
    text: str


_LISTED = ("good", "circle-check", "The project is in the list")
_STATES = {
    "deleting": (
        "being_deleted",
        "The project is being deleted",
        "Azure DevOps is deleting it, so it cannot be connected.",
    ),
    "deleted": (
        "deleted",
        "The project was deleted",
        "An administrator of the {place} may be able to restore it. Then test again.",
    ),
    "createPending": (
        "being_created",
        "The project is still being created",
        "Azure DevOps is still creating it. Wait a minute and test again.",
    ),
    "new": (
        "being_created",
        "The project is still being created",
        "Azure DevOps is still creating it. Wait a minute and test again.",
    ),
}


def find_before_connecting(
    credentials: Credentials, name: str, *, verification_key: str, by: AbstractBaseUser, now: datetime
) -> tuple[VerificationResult, Answer]:
    """The test made minutes ago, or a new one, and why the project `name` is not in its list. Raises `TooManyTests`."""
    tested = kept_result(verification_key, credentials, by=by, now=now) or verify_new(credentials, by=by, now=now)
    return tested, find_project(credentials, name, tested.report)


def find_project(credentials: Credentials, name: str, report: Report) -> Answer:
    """Look for the project `name` with the given credentials. Never raises an `AzureDevOpsError`."""
    name = name.strip()
    for project in report.projects:
        if name.casefold() in (project.name.casefold(), project.id.casefold()):
            return Answer("listed", *_LISTED, f"“{project.name}” is visible to this token. Search for it in the list.")
    if not report.accepted:
        return Answer("unknown", "warn", "circle-question-mark", "Unknown", "The token was not accepted.")
    return look_for(credentials, name)


def look_for(credentials: Credentials, name: str) -> Answer:
    """Ask Azure DevOps about one project. Never raises an `AzureDevOpsError`; raises `TooManyTests`."""
    count_test(now=timezone.now())
    try:
        return _look(credentials, name.strip())
    except AzureDevOpsError as error:
        return Answer(
            error.code,
            "warn",
            "circle-question-mark",
            "Unknown",
            "We could not ask Azure DevOps. Try again.",
        )


def _look(credentials: Credentials, name: str) -> Answer:
    limit = clients.page_seconds()
    with (
        clients.azure_devops(
            credentials.server, credentials.organization.name, credentials.token, seconds=limit
        ) as client,
        deadline(time.monotonic() + limit),
    ):
        # Half of the time is for the lists, which may be endless, and the rest for the single project.
        listed, is_whole = _find_in_lists(client, name, seconds=limit / 2)
        if listed is not None:
            return _by_state(listed, credentials.server.place)
        try:
            return _by_state(client.project(name), credentials.server.place)
        except NotFound:
            return _not_visible(credentials, name) if is_whole else _INCOMPLETE


def _find_in_lists(client: AzureDevOpsClient, name: str, *, seconds: float) -> tuple[Project | None, bool]:
    """The project, if it is listed, and whether the lists were read completely."""
    ends_at = time.monotonic() + seconds
    is_whole = True
    # Projects that are deleted or being created cannot be requested by name, but are listed. "all" omits deleted ones.
    for state in ("all", "deleted"):
        try:
            for page in client.projects(state=state, seconds=ends_at - time.monotonic()):
                for project in page.items:
                    if project.name.casefold() == name.casefold():
                        return project, is_whole
        except ListIncomplete:
            is_whole = False
        except TimedOut:
            # The first list may have used up the time of both.
            if time.monotonic() < ends_at:
                raise
            is_whole = False
    return None, is_whole


_INCOMPLETE = Answer(
    ListIncomplete.code,
    "warn",
    "circle-question-mark",
    "Unknown",
    "Azure DevOps does not show a project with this name, and its list of projects is too long to read completely. The "
    "project may be deleted, still being created, or not visible to the token's owner.",
)


def _by_state(project: Project, place: Place) -> Answer:
    if project.state in _STATES:
        code, title, text = _STATES[project.state]
        return Answer(code, "warn", "hourglass", title, with_place(text, place))
    return Answer(
        "listed", "info", "refresh-cw", "The project is visible now", "It was not in the list a moment ago. Test again."
    )


def _not_visible(credentials: Credentials, name: str) -> Answer:
    organization, place = credentials.organization.name, credentials.server.place
    return Answer(
        "not_visible",
        "warn",
        "eye-off",
        "Project not found or not visible",
        f"The owner of this token cannot see a project “{name}” in {organization}. They may not be a member of it, "
        f"it may belong to another {place}, or its name may be spelled differently. Check the project's address in "
        f"the browser: the first part after the server is its {place}.",
    )
