"""The client of one organization with one credential."""

from collections.abc import Callable, Iterator
from typing import Self

from connections.providers.azure_devops import core
from connections.providers.azure_devops.models import ConnectionData, Page, Project, Server
from connections.providers.azure_devops.transport import Limits, Transport
from connections.providers.credential import Signer


class AzureDevOpsClient:
    """Calls to one organization with one credential. Raises only `AzureDevOpsError`. Must be closed.

    Other calls take its `transport`: `git.repositories(client.transport, project, ...)`.
    """

    def __init__(
        self,
        server: Server,
        organization: str,
        signer: Signer,
        *,
        limits: Limits | None = None,
        session_id: str = "",
        before_exchange: Callable[[], None] | None = None,
    ) -> None:
        self.transport = Transport(
            server, organization, signer, limits=limits, session_id=session_id, before_exchange=before_exchange
        )

    def __repr__(self) -> str:
        return f"<AzureDevOpsClient {self.transport.server.name} {self.transport.organization}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def connection_data(self) -> ConnectionData:
        """The token's owner, and the organization's id."""
        return core.connection_data(self.transport)

    def projects_page(
        self, *, continuation: str | None = None, top: int = 500, state: str = "wellFormed"
    ) -> Page[Project]:
        """One page of visible projects."""
        return core.projects_page(self.transport, continuation=continuation, top=top, state=state)

    def projects(
        self,
        *,
        state: str = "wellFormed",
        page_size: int = 500,
        after: str | None = None,
        seconds: float | None = None,
    ) -> Iterator[Page[Project]]:
        """Every page of visible projects, starting after the continuation token `after`, within `seconds`.

        Raises `ListIncomplete` after the last page that was read, if there are more.
        """
        return core.projects(self.transport, state=state, page_size=page_size, after=after, seconds=seconds)

    def project(self, name_or_id: str) -> Project:
        """One project by name or id."""
        return core.project(self.transport, name_or_id)
