"""The results of capabilities by project, in words."""

from collections.abc import Iterable, Sequence

from connections.providers.capability import ProjectVerdict, Verdict

_MOST_NAMES = 10


def and_join(names: Iterable[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    *first, last = list(names) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def some_of(names: Sequence[str]) -> str:
    """All names, or the first ones and how many more there are."""
    if len(names) <= _MOST_NAMES:
        return and_join(names)
    return f"{', '.join(names[:_MOST_NAMES])} and {len(names) - _MOST_NAMES} more"


def project_names(verdicts: Iterable[Sequence[ProjectVerdict]]) -> list[str]:
    """The names of the projects in which capabilities were tried, without duplicates."""
    return list(dict.fromkeys(here.project_name for by_project in verdicts for here in by_project))


def names_with(verdict: Verdict, by_project: Iterable[ProjectVerdict]) -> list[str]:
    """The names of the projects with this verdict."""
    return [here.project_name for here in by_project if here.verdict is verdict]


def is_mixed(by_project: Iterable[ProjectVerdict]) -> bool:
    """Whether one project permits what another denies."""
    return {Verdict.GRANTED, Verdict.NOT_PERMITTED} <= {here.verdict for here in by_project}


def in_words(by_project: Sequence[ProjectVerdict]) -> str:
    """`Denied in A, granted in B`; empty if nothing was denied, as then only one project was tried."""
    denied = names_with(Verdict.NOT_PERMITTED, by_project)
    if not denied:
        return ""
    granted = names_with(Verdict.GRANTED, by_project)
    unknown = [here.project_name for here in by_project if here.verdict in (Verdict.UNKNOWN, Verdict.MISSING)]
    parts = [f"denied in {some_of(denied)}"]
    parts += [f"granted in {some_of(granted)}"] if granted else []
    parts += [f"unknown in {some_of(unknown)}"] if unknown else []
    words = ", ".join(parts)
    return words[0].upper() + words[1:]
