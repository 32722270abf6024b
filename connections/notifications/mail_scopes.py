"""Template context of mails about scopes and permissions: what is missing, and in which projects."""

from typing import Any

from connections import clients
from connections.domain.problems import catalogue
from connections.domain.where_tried import and_join, in_words, is_mixed, project_names
from connections.models import CapabilityState, Connection
from connections.providers.capability import Verdict
from connections.providers.organization import Place
from connections.providers.registry import CAPABILITIES


def scopes_context(connection: Connection) -> dict[str, Any]:
    """The template context. `missing` lists what does not work, `mixed` what works only in some projects."""
    states = list(connection.capabilities.order_by("pk"))
    place = clients.place_of(connection.server)
    lacking = [state for state in states if state.is_lacking]
    untried = next((state.doubt for state in lacking if state.is_untried), "")
    return {
        "missing": [_line(state, place=place) for state in lacking],
        "mixed": [_mixed(state) for state in states if is_mixed(state.project_verdicts())],
        "tried_in": "" if untried else and_join(project_names(state.project_verdicts() for state in states)),
        "not_visible": [
            chosen_project.name for chosen_project in connection.chosen_projects.exclude(not_visible_since=None)
        ],
        "untried": catalogue.problem(untried, place=place) if untried else None,
        "scopes_missing": not untried and any(state.verdict == Verdict.MISSING for state in lacking),
        "rights_missing": not untried and any(state.verdict == Verdict.NOT_PERMITTED for state in lacking),
    }


def _line(state: CapabilityState, *, place: Place) -> dict[str, str]:
    return {
        "label": CAPABILITIES[state.capability].azure_label,
        "what": _what(state, place=place),
        "without": CAPABILITIES[state.capability].without,
    }


def _what(state: CapabilityState, *, place: Place) -> str:
    """`Missing`, `Denied in A and B`, or why it is unknown."""
    if state.is_untried:
        return catalogue.problem(state.doubt, place=place).title
    if state.verdict == Verdict.UNKNOWN and state.reason:
        return catalogue.problem(state.reason, place=place).title
    return in_words(state.project_verdicts()) or catalogue.VERDICT_WORDS[Verdict(state.verdict)]


def _mixed(state: CapabilityState) -> dict[str, str]:
    return {"label": CAPABILITIES[state.capability].azure_label, "where": in_words(state.project_verdicts())}
