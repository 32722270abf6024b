"""What pages say of rights and of projects, beside a report and on a connection's own page."""

from collections.abc import Mapping, Sequence

from connections.domain.where_tried import and_join, in_words, is_mixed, names_with
from connections.providers.capability import ProjectVerdict, Verdict
from connections.providers.registry import CAPABILITIES
from connections.views.presenters import Notice

_MOST_NAMES = 10


def rights_notices(by_capability: Mapping[str, Sequence[ProjectVerdict]], *, person: str) -> list[Notice]:
    """What the person behind the token may not do, and in which projects; by capability."""
    denied: list[str] = []
    mixed: list[tuple[str, Sequence[ProjectVerdict]]] = []
    for capability, by_project in by_capability.items():
        if is_mixed(by_project):
            mixed.append((capability, by_project))
        else:
            denied += names_with(Verdict.NOT_PERMITTED, by_project)
    notices = []
    if denied:
        projects = and_join(dict.fromkeys(denied))
        notices.append(
            Notice(
                "warn",
                "shield-x",
                "Rights to ask for",
                f"The token has the scopes, but {person} lacks the rights in {projects}. An administrator of the "
                "project can give them. A token of somebody who has them works too.",
            )
        )
    if mixed:
        by_words: dict[str, list[str]] = {}
        for capability, by_project in mixed:
            by_words.setdefault(in_words(by_project), []).append(_short_name(capability))
        lines = [f"{words}: {and_join(names)}." for words, names in by_words.items()]
        notices.append(
            Notice(
                "warn",
                "shield-alert",
                "Not permitted in every project",
                f"{person} may not do the same everywhere. {' '.join(lines)} An administrator of the project can give "
                "the missing rights.",
            )
        )
    return notices


def _short_name(capability: str) -> str:
    return CAPABILITIES[capability].short_name


def some_of(names: Sequence[str]) -> str:
    """All of them, or the first and how many more."""
    if len(names) <= _MOST_NAMES:
        return and_join(names)
    return f"{', '.join(names[:_MOST_NAMES])} and {len(names) - _MOST_NAMES} more"


def hidden_projects_notices(names: Sequence[str]) -> list[Notice]:
    """Which of the chosen projects the person behind the token does not see."""
    if not names:
        return []
    title = "A chosen project is not visible" if len(names) == 1 else "Some chosen projects are not visible"
    text = (
        f"Azure DevOps does not show {some_of(names)} to the owner of the token. The project may be gone, or the owner "
        "is not a member of it. Give the owner access, or choose other projects for the connection."
    )
    return [Notice("warn", "eye-off", title, text)]
