"""The catalogue: every problem under its stable code, in the words that pages, mails and the API use.

A code is never renamed once it is stored. Each problem has a title, an explanation and a next step.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connections.domain.problems import ALL, NO_FACTS, on_server
from connections.domain.problems import Facts as Facts
from connections.domain.problems import Problem as Problem
from connections.domain.verification import Failure
from connections.providers.capability import Verdict
from connections.providers.organization import Place

PROBLEMS: dict[str, Problem] = {problem.code: problem for problem in ALL}
ON_SERVER: dict[str, Problem] = {problem.code: problem for problem in on_server.PROBLEMS}

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

    `place` is where the connection leads: an organization of Azure DevOps Services or a collection of a server.
    `facts` are those of this occurrence.
    """
    usual = PROBLEMS.get(code, PROBLEMS["unexpected_answer"])
    if place == "organization":
        return usual.with_facts(facts, place)
    problem = ON_SERVER.get(usual.code, usual).with_facts(facts, place)
    # The status page covers Azure DevOps Services only.
    return replace(problem, link="") if problem.link == "status" else problem


def problem_in(detail: Mapping[str, Any]) -> Problem:
    """The problem that an event of the history tells of, as `clients.problem_detail` wrote it down."""
    facts = Facts(host=detail.get("host", ""))
    return problem(detail["problem"], place=detail.get("place", "organization"), facts=facts)


def facts_of(failure: Failure, organization: str) -> Facts:
    """What a check knows of the failure that ended it."""
    return Facts(host=failure.host, organization=organization, retry_after=failure.retry_after)


VERDICT_WORDS: dict[Verdict, str] = {
    Verdict.GRANTED: "Granted",
    Verdict.MISSING: "Missing",
    Verdict.NOT_PERMITTED: "Not permitted",
    Verdict.UNKNOWN: "Could not tell",
}

AREA_LABELS = {"code": "Code", "build": "Build", "release": "Release"}


STATUS_PAGE = "https://status.dev.azure.com"
