"""What went wrong with a call to Azure DevOps, as the pages of repositories, builds and releases show it."""

from connections.models import Connection
from connections.views.common import problem_about
from connections.views.presenters import ProblemView
from delivery.remote_read import RemoteReadError


def remote_problem(connection: Connection, failure: RemoteReadError | None) -> ProblemView | None:
    """The problem in the words of the connection's server; None where nothing failed."""
    if failure is None:
        return None
    return problem_about(
        connection,
        failure.code,
        activity_id=failure.activity_id,
        host=failure.host,
        retry_after=failure.retry_after,
    )
