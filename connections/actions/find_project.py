"""Find out why a project is not listed."""

import time
from dataclasses import replace
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from connections import clients
from connections.actions.token_test_rate_limit import count_test
from connections.actions.verify_credential import Credentials, VerificationResult, kept_result, verify_new
from connections.domain.problems.notices import Notice, notice
from connections.domain.verification import Report
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.deadlines import deadline
from connections.providers.azure_devops.errors import AzureDevOpsError, ListIncomplete, NotFound, TimedOut
from connections.providers.azure_devops.models import Project
from connections.providers.organization import Place

_STATES = {
    "deleting": "being_deleted",
    "deleted": "deleted",
    "createPending": "being_created",
    "new": "being_created",
}


def find_before_connecting(
    credentials: Credentials, name: str, *, verification_key: str, by: AbstractBaseUser, now: datetime
) -> tuple[VerificationResult, Notice]:
    """The test made minutes ago, or a new one, and why the project `name` is not in its list. Raises `TooManyTests`."""
    tested = kept_result(verification_key, credentials, by=by, now=now) or verify_new(credentials, by=by, now=now)
    return tested, find_project(credentials, name, tested.report)


def find_project(credentials: Credentials, name: str, report: Report) -> Notice:
    """Look for the project `name` with the given credentials. Never raises an `AzureDevOpsError`."""
    name = name.strip()
    for project in report.projects:
        if name.casefold() in (project.name.casefold(), project.id.casefold()):
            return notice("listed", project=project.name)
    if not report.accepted:
        return notice("unknown")
    return look_for(credentials, name)


def look_for(credentials: Credentials, name: str) -> Notice:
    """Ask Azure DevOps about one project. Never raises an `AzureDevOpsError`; raises `TooManyTests`."""
    count_test(now=timezone.now())
    try:
        return _look(credentials, name.strip())
    except AzureDevOpsError as error:
        return replace(notice("not_asked"), code=error.code)


def _look(credentials: Credentials, name: str) -> Notice:
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
            return _not_visible(credentials, name) if is_whole else notice(ListIncomplete.code)


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


def _by_state(project: Project, place: Place) -> Notice:
    return notice(_STATES.get(project.state, "listed_now"), place=place)


def _not_visible(credentials: Credentials, name: str) -> Notice:
    organization, place = credentials.organization.name, credentials.server.place
    return notice("not_visible", name=name, organization=organization, place=place)
