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
    """What is stored of one scope, as JSON. `doubt` is why the last check could not confirm it."""
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
            {
                "id": in_project.project_id,
                "name": in_project.project_name,
                "verdict": str(in_project.verdict),
                "reason": in_project.reason,
            }
            for in_project in by_project
        ],
    }


def is_notable(scope: dict[str, Any]) -> bool:
    """Whether the scope is not simply granted. A probe that the operator switched off is not notable."""
    if scope["verdict"] == Verdict.UNKNOWN and scope["reason"] == WRITE_PROBES_OFF:
        return False
    return bool(scope["verdict"] != Verdict.GRANTED or scope["where"] or scope.get("doubt"))


def scope_line(scope: dict[str, Any], *, place: Place) -> str:
    """`code_write  Not permitted. Denied in A and B`, with the reason if the verdict is unknown."""
    verdict = Verdict(scope["verdict"])
    sentences = [catalogue.VERDICT_WORDS[verdict]]
    if verdict is Verdict.UNKNOWN and scope["reason"]:
        sentences.append(catalogue.problem(scope["reason"], place=place).title)
    if scope["where"]:
        sentences.append(scope["where"])
    if scope.get("doubt"):
        sentences.append(f"Not confirmed by the last check: {catalogue.problem(scope['doubt'], place=place).title}")
    return f"{scope['capability']:16} {'. '.join(sentences)}"
