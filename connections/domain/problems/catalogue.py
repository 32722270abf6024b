"""The catalogue: every problem under its stable code, in the words that pages, mails and the API use.

A code is never renamed once it is stored. Each problem has a title, an explanation and a next step.
"""

from collections.abc import Mapping
from typing import Any

from connections.domain.problems import ALL, NO_FACTS
from connections.domain.problems import Facts as Facts
from connections.domain.problems import Problem as Problem
from connections.domain.server_wording import OTHERWISE, in_words_of_a_server
from connections.domain.verification import Failure
from connections.providers.azure_devops.capabilities import Verdict
from connections.providers.azure_devops.models import Place

PROBLEMS: dict[str, Problem] = {problem.code: problem for problem in ALL}

# The causes that the user guide's troubleshooting names, in its order.
TROUBLESHOOTING = (
    "organization_not_found",
    "scope_missing",
    "token_expired",
    "token_refused",
    "timed_out",
    "dns_failure",
    "tls_failure",
    "proxy_failed",
    "proxy_refused",
    "project_not_found",
    "not_a_member",
    "access_denied",
    "conditional_access",
    "global_token_blocked",
    "organization_unavailable",
    "throttled",
    "maintenance",
    "gateway_refused",
    "foreign_page",
    "redirected",
    "interactive_sign_in_needed",
)


# Named by the guide from the day on which it happens.
TROUBLESHOOTING_AFTER_THE_END_OF_GLOBAL_TOKENS = ("global_tokens_ended",)
# What a server of one's own never says.
OF_THE_SERVICE_ALONE = (
    "conditional_access",
    "global_token_blocked",
    "global_tokens_ended",
    "global_tokens_ended_likely",
    "interactive_sign_in_needed",
)
# What the guide adds where people may choose a server of their own.
TROUBLESHOOTING_OF_A_SERVER = ("organization_not_found", "token_refused", "server_too_old", "no_such_address")


def problem(code: str, *, place: Place = "organization", facts: Facts = NO_FACTS) -> Problem:
    """The words for a code; an unknown code is an unexpected answer, never an exception.

    `place` is where the connection leads: an organization of the service or a collection of somebody's own server.
    `facts` are those of this occurrence.
    """
    found = PROBLEMS.get(code, PROBLEMS["unexpected_answer"])
    return (found if place == "organization" else _on_a_server(found)).with_facts(facts)


def problem_in(detail: Mapping[str, Any]) -> Problem:
    """The problem that an event of the history tells of, as `clients.problem_detail` wrote it down."""
    facts = Facts(host=detail.get("host", ""))
    return problem(detail["problem"], place=detail.get("place", "organization"), facts=facts)


def facts_of(trouble: Failure, organization: str) -> Facts:
    """What a check knows of the trouble that ended it."""
    return Facts(host=trouble.host, organization=organization, retry_after=trouble.retry_after)


def _on_a_server(usual: Problem) -> Problem:
    usual_words = (usual.title, usual.explanation, usual.next_step)
    title, explanation, next_step = OTHERWISE.get(usual.code) or map(in_words_of_a_server, usual_words)
    # The status page tells of Microsoft's service alone.
    link = "" if usual.link == "status" else usual.link
    return Problem(usual.code, title, explanation, next_step, link)


VERDICT_WORDS: dict[Verdict, str] = {
    Verdict.GRANTED: "Granted",
    Verdict.MISSING: "Missing",
    Verdict.NOT_PERMITTED: "Not permitted",
    Verdict.UNKNOWN: "Could not tell",
}

AREA_LABELS = {"code": "Code", "build": "Build", "release": "Release"}


STATUS_PAGE = "https://status.dev.azure.com"
