"""How commands report that Azure DevOps could not be asked, or refused."""

from connections import clients
from connections.cli.common import ExitCode, Output
from connections.domain.problems import catalogue
from connections.providers.azure_devops import errors
from delivery.remote_read import RemoteReadError

# After these the outcome is unknown; every other problem is a refusal.
_UNKNOWN_OUTCOME = {"outcome_unknown", "list_incomplete", *errors.NO_ANSWER_CODES}


def report_error(error: RemoteReadError, server: str, output: Output) -> ExitCode:
    """Print the problem as text or JSON; the exit code."""
    facts = catalogue.Facts(host=error.host, retry_after=error.retry_after)
    problem = catalogue.problem(error.code, place=clients.place_of(server), facts=facts)
    message = f"{problem.title}. {error.said or problem.explanation} {problem.next_step}"
    output.say({"problem": problem.code, "message": message, "activity_id": error.activity_id}, message)
    return ExitCode.UNKNOWN if problem.code in _UNKNOWN_OUTCOME else ExitCode.REFUSED
