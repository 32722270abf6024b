"""Scopes as commands print them: as JSON and as a line."""

from typing import Any

from connections.domain.problems import catalogue
from connections.domain.verification import WRITE_PROBES_OFF
from connections.domain.where_tried import in_words, is_mixed
from connections.models import CapabilityState
from connections.providers.capability import Finding, ProjectVerdict, Verdict
from connections.providers.organization import Place


def scope_of_finding(finding: Finding) -> dict[str, Any]:
    """What a test found of one scope, as JSON."""
    return _scope(finding.capability, finding.verdict, finding.reason, finding.by_project)


def scope_of_state(state: CapabilityState) -> dict[str, Any]:
    """What is stored of one scope, as JSON. `doubt` is why the last check could not tell, when an older one could."""
    scope = _scope(state.capability, Verdict(state.verdict), state.reason, state.project_verdicts())
    return scope | {"doubt": state.doubt}


def _scope(capability: str, verdict: Verdict, reason: str, by_project: tuple[ProjectVerdict, ...]) -> dict[str, Any]:
    return {
        "capability": capability,
        "verdict": str(verdict),
        "reason": reason,
        "where": in_words(by_project),
        "is_mixed": is_mixed(by_project),
        "projects": [
            {"id": one.project_id, "name": one.project_name, "verdict": str(one.verdict), "reason": one.reason}
            for one in by_project
        ],
    }


def is_worth_telling(scope: dict[str, Any]) -> bool:
    """Whether it is not simply granted. What the operator switched off is no news."""
    if scope["verdict"] == Verdict.UNKNOWN and scope["reason"] == WRITE_PROBES_OFF:
        return False
    return bool(scope["verdict"] != Verdict.GRANTED or scope["where"] or scope.get("doubt"))


def scope_line(scope: dict[str, Any], *, place: Place) -> str:
    """`code_write  Not permitted. Denied in A and B`, with the reason where it could not be told."""
    verdict = Verdict(scope["verdict"])
    words = [catalogue.VERDICT_WORDS[verdict]]
    if verdict is Verdict.UNKNOWN and scope["reason"]:
        words.append(catalogue.problem(scope["reason"], place=place).title)
    if scope["where"]:
        words.append(scope["where"])
    if scope.get("doubt"):
        words.append(f"Not confirmed by the last check: {catalogue.problem(scope['doubt'], place=place).title}")
    return f"{scope['capability']:16} {'. '.join(words)}"
