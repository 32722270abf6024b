"""What verbs at a terminal say when Azure DevOps was not asked, or refused."""

from connections import clients
from connections.cli.common import REFUSED, UNKNOWN, Output
from connections.domain.problems import catalogue
from connections.providers.azure_devops import errors
from delivery.remote_read import RemoteReadError

# After these nobody knows; everything else was refused.
_NO_ANSWER = {"outcome_unknown", "list_incomplete", *errors.NO_ANSWER_CODES}


def refuse(trouble: RemoteReadError, server: str, output: Output) -> int:
    """Say what is wrong in the words of a server, as text or JSON; the exit code."""
    facts = catalogue.Facts(host=trouble.host, retry_after=trouble.retry_after)
    problem = catalogue.problem(trouble.code, place=clients.place_of(server), facts=facts)
    words = f"{problem.title}. {trouble.said or problem.explanation} {problem.next_step}"
    output.say({"problem": problem.code, "message": words, "activity_id": trouble.activity_id}, words)
    return UNKNOWN if problem.code in _NO_ANSWER else REFUSED
