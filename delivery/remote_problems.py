"""What went wrong with a call to Azure DevOps, as the pages of repositories, builds and releases show it."""

from connections.models import Connection
from connections.views.common import problem_about
from connections.views.presenters import ProblemView
from delivery.remote_read import RemoteReadError


def remote_problem(connection: Connection, trouble: RemoteReadError) -> ProblemView:
    """The problem in the words of the connection's server."""
    return problem_about(
        connection,
        trouble.code,
        activity_id=trouble.activity_id,
        host=trouble.host,
        retry_after=trouble.retry_after,
    )
