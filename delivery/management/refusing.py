"""What verbs at a terminal say when Azure DevOps was not asked, or refused."""

from connections import clients, messages
from connections.management.verbs.common import REFUSED, UNKNOWN, Output
from delivery.actions.reading import CannotAsk

# After these nobody knows; everything else was refused.
_NOT_TOLD = {"outcome_unknown", "throttled", "timed_out", "connection_failed", "dns_failure", "server_error"}


def refuse(trouble: CannotAsk, server: str, output: Output) -> int:
    """Say what is wrong in the words of a server, as text or JSON; the exit code."""
    problem = messages.problem(trouble.code, place=clients.place_of(server))
    words = f"{problem.title}. {trouble.said or problem.explanation} {problem.next_step}"
    output.say({"problem": problem.code, "message": words, "activity_id": trouble.activity_id}, words)
    return UNKNOWN if problem.code in _NOT_TOLD else REFUSED
