"""Notices about permissions and projects, for test results and the page of a connection."""

from collections.abc import Mapping, Sequence

from connections.domain.principal_verification import STAKEHOLDER
from connections.domain.problems import catalogue
from connections.domain.problems.notices import Notice, about_problem, notice
from connections.domain.where_tried import and_join, in_words, is_mixed, names_with, some_of
from connections.providers.capability import ProjectVerdict, Verdict
from connections.providers.registry import CAPABILITIES


def rights_notices(
    by_capability: Mapping[str, Sequence[ProjectVerdict]], *, person: str, is_principal: bool = False
) -> list[Notice]:
    """Which permissions the owner of the token, or an application, lacks, and in which projects."""
    if any(here.reason == STAKEHOLDER for by_project in by_capability.values() for here in by_project):
        return [about_problem(catalogue.problem(STAKEHOLDER), "warn", "shield-alert")]
    denied: list[str] = []
    mixed: list[tuple[str, Sequence[ProjectVerdict]]] = []
    for capability, by_project in by_capability.items():
        if is_mixed(by_project):
            mixed.append((capability, by_project))
        else:
            denied += names_with(Verdict.NOT_PERMITTED, by_project)
    notices = []
    missing = "application_lacks_permissions" if is_principal else "permissions_missing"
    if denied:
        projects = some_of(list(dict.fromkeys(denied)))
        notices.append(notice(missing, person=person, projects=projects))
    if mixed:
        by_wording: dict[str, list[str]] = {}
        for capability, by_project in mixed:
            by_wording.setdefault(in_words(by_project), []).append(_short_name(capability))
        lines = [f"{where}: {and_join(names)}." for where, names in by_wording.items()]
        notices.append(notice("permissions_differ", person=person, where=" ".join(lines)))
    return notices


def _short_name(capability: str) -> str:
    return CAPABILITIES[capability].short_name


def hidden_projects_notices(names: Sequence[str]) -> list[Notice]:
    """Which of the chosen projects the owner of the token can't see."""
    if not names:
        return []
    return [notice("project_hidden" if len(names) == 1 else "projects_hidden", names=some_of(names))]
