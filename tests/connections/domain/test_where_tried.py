"""Where capabilities were tried, in words."""

import pytest

from connections.domain.where_tried import and_join, in_words, is_mixed, project_names
from connections.providers.capability import ProjectVerdict, Verdict
from connections.views.project_notices import hidden_projects_notices, rights_notices

GRANTED, DENIED, UNKNOWN = Verdict.GRANTED, Verdict.NOT_PERMITTED, Verdict.UNKNOWN


def tried(**verdicts: Verdict) -> tuple[ProjectVerdict, ...]:
    return tuple(ProjectVerdict(name.lower(), name, verdict) for name, verdict in verdicts.items())


@pytest.mark.parametrize(
    ("names", "expected"), [([], ""), (["A"], "A"), (["A", "B"], "A and B"), (["A", "B", "C"], "A, B and C")]
)
def test_names_are_joined_as_in_a_sentence(names: list[str], expected: str) -> None:
    assert and_join(names) == expected


@pytest.mark.parametrize(
    ("by_project", "expected", "mixed"),
    [
        (tried(), "", False),
        (tried(A=GRANTED), "", False),
        (tried(A=Verdict.MISSING), "", False),
        (tried(A=DENIED), "Denied in A", False),
        (tried(A=DENIED, B=GRANTED), "Denied in A, granted in B", True),
        (tried(A=DENIED, B=DENIED, C=GRANTED), "Denied in A and B, granted in C", True),
        (tried(A=DENIED, B=DENIED, C=DENIED), "Denied in A, B and C", False),
        (tried(A=DENIED, B=UNKNOWN, C=GRANTED), "Denied in A, granted in C, unknown in B", True),
        (tried(A=DENIED, B=Verdict.MISSING), "Denied in A, unknown in B", False),
    ],
)
def test_where_it_is_denied_and_granted(by_project: tuple[ProjectVerdict, ...], expected: str, mixed: bool) -> None:
    assert (in_words(by_project), is_mixed(by_project)) == (expected, mixed)


def test_each_project_is_named_once() -> None:
    assert project_names([tried(A=DENIED, B=GRANTED), tried(A=GRANTED)]) == ["A", "B"]


def test_rights_are_asked_for_only_where_they_are_denied() -> None:
    (notice,) = rights_notices({"code_write": tried(A=DENIED, B=UNKNOWN)}, person="Maya")
    assert "Maya lacks the permissions in A. " in notice.text


def test_what_is_denied_everywhere_and_what_in_some_projects_are_two_things() -> None:
    notices = rights_notices(
        {"code_write": tried(A=DENIED, B=DENIED), "build_execute": tried(A=DENIED, B=GRANTED)}, person="Maya"
    )
    assert [one.title for one in notices] == ["Missing permissions", "Not permitted in every project"]
    assert "Denied in A, granted in B: Build execute." in notices[1].text


def test_of_very_many_hidden_projects_the_first_are_named() -> None:
    (notice,) = hidden_projects_notices([f"P{number}" for number in range(500)])
    assert "P9 and 490 more" in notice.text
    assert hidden_projects_notices([]) == []
