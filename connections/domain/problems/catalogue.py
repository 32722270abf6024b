"""The problem catalogue: finds a problem by its code. The texts are in the modules beside this one, by area.

Pages, mails and commands take their texts from here. Codes are stored, so they never change.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connections.domain.problems import ALL, NO_FACTS, entra, on_server, renewal
from connections.domain.problems import Facts as Facts
from connections.domain.problems import Problem as Problem
from connections.domain.verification import Failure
from connections.providers.capability import Verdict
from connections.providers.organization import Place

PROBLEMS: dict[str, Problem] = {problem.code: problem for problem in ALL}
ON_SERVER: dict[str, Problem] = {problem.code: problem for problem in on_server.PROBLEMS}

# Problems in the troubleshooting section of the user guide, in this order.
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


# Shown by the guide from the day on which Azure DevOps stops accepting tokens for all organizations.
TROUBLESHOOTING_AFTER_THE_END_OF_GLOBAL_TOKENS = ("global_tokens_ended",)
# Problems of applications in the guide.
TROUBLESHOOTING_OF_APPLICATIONS = (
    "principal_not_added",
    "stakeholder_likely",
    "principal_without_access",
    "principal_of_another_tenant",
    "entra_secret_wrong",
    "entra_secret_ended",
    "entra_certificate_unknown",
    "entra_application_unknown",
    "entra_tenant_unknown",
    "entra_application_disabled",
    "entra_blocked_by_policy",
    "entra_federation_mismatch",
    "entra_assertion_out_of_time",
    "workload_token_unreadable",
    "managed_identity_unreachable",
    "managed_identity_not_found",
    "identity_not_offered",
)
# Problems that only Azure DevOps Services has.
OF_THE_SERVICE_ALONE = (
    "conditional_access",
    "global_token_blocked",
    "global_tokens_ended",
    "global_tokens_ended_likely",
    "interactive_sign_in_needed",
    # A server takes no applications of Microsoft Entra.
    *(problem.code for problem in (*entra.PROBLEMS, *renewal.PROBLEMS)),
)
# Problems that the guide adds where an Azure DevOps Server is configured.
TROUBLESHOOTING_OF_A_SERVER = ("organization_not_found", "token_refused", "server_too_old", "no_such_address")


def problem(code: str, *, place: Place = "organization", facts: Facts = NO_FACTS) -> Problem:
    """The problem for a code; an unknown code gives "unexpected_answer".

    `place` is an organization of Azure DevOps Services or a collection of a server. `facts` fill the placeholders.
    """
    usual = PROBLEMS.get(code, PROBLEMS["unexpected_answer"])
    if place == "organization":
        return usual.with_facts(facts, place)
    problem = ON_SERVER.get(usual.code, usual).with_facts(facts, place)
    # The status page covers Azure DevOps Services only.
    return replace(problem, link="") if problem.link == "status" else problem


def known_problem(code: str) -> Problem:
    """The problem for a code that is in the catalogue. Raises `KeyError` for any other."""
    return problem(PROBLEMS[code].code)


def problem_in(detail: Mapping[str, Any]) -> Problem:
    """The problem of a history event, whose detail `clients.problem_detail` wrote."""
    facts = Facts(host=detail.get("host", ""))
    return problem(detail["problem"], place=detail.get("place", "organization"), facts=facts)


def facts_of(failure: Failure, organization: str) -> Facts:
    """The facts that a failed verification knows."""
    return Facts(
        host=failure.host,
        organization=organization,
        retry_after=failure.retry_after,
        object_id=failure.object_id,
        support=failure.support,
    )


VERDICT_WORDS: dict[Verdict, str] = {
    Verdict.GRANTED: "Granted",
    Verdict.MISSING: "Missing",
    Verdict.NOT_PERMITTED: "Not permitted",
    Verdict.UNKNOWN: "Unknown",
}

AREA_LABELS = {"code": "Code", "build": "Build", "release": "Release"}


STATUS_PAGE = "https://status.dev.azure.com"
