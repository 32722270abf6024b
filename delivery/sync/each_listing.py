"""Read the list of each project's repositories. Uses no database, so another thread may do it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from django.conf import settings

from connections.providers.azure_devops import errors, git
from connections.providers.azure_devops.client import AzureDevOpsClient
from delivery.models import Project
from delivery.sync.upsert import Listing

# So many projects in a row that end in a server error are the server's trouble, not the projects'.
SERVER_ERRORS_IN_A_ROW = 3
# These concern the token, the organization or the network: the other projects would meet the same.
_ABOUT_ALL = (
    errors.TokenRefused,
    errors.NotAMember,
    errors.BlockedByPolicy,
    errors.InteractiveSignInNeeded,
    errors.EmptyRefusal,
    errors.OrganizationNotFound,
    errors.OrganizationUnavailable,
    errors.Throttled,
    errors.Unreachable,
    errors.ServerTooOld,
)


class AskedToWait(Exception):
    """Azure DevOps asked to send nothing for some seconds, with an answer that was successful."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def each_listing(
    client: AzureDevOpsClient, projects: Sequence[Project], moment: Callable[[], datetime]
) -> Iterator[Listing]:
    """What each project's list shows; at the end, those that a server error prevented. `moment` is the time.

    Raises `AskedToWait` between two projects, and what the other projects would meet, too.
    """
    failed: list[Listing] = []
    in_a_row = 0
    for number, project in enumerate(projects):
        if number and (wait := client.transport.person_asked_to_wait):
            # At least one list is read and written, or a sync would never end where each answer asks to wait.
            yield from failed
            raise AskedToWait(wait)
        try:
            yield _listing(client, project, moment())
            in_a_row = 0
        except errors.Maintenance:
            raise
        except errors.ServerError as trouble:
            failed.append(Listing(project, moment(), None, trouble.code, trouble.activity_id or ""))
            in_a_row += 1
            if in_a_row >= SERVER_ERRORS_IN_A_ROW:
                raise
    yield from failed


def _listing(client: AzureDevOpsClient, project: Project, asked_at: datetime) -> Listing:
    """The whole list, or the reason where only this project is concerned."""
    try:
        found = git.repositories_page(client.transport, project.azure_id, max_bytes=settings.REPOSITORY_LIST_MAX_BYTES)
    except _ABOUT_ALL:
        raise
    except errors.AzureDevOpsError as trouble:
        return Listing(project, asked_at, None, trouble.code, trouble.activity_id or "")
    return Listing(project, asked_at, found)
