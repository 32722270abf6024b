"""The steps of a build and their logs over a socket."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.providers.azure_devops import errors, timeline
from connections.providers.azure_devops.timeline import Issue, Log, Step, StepResult, StepState, in_order
from tests.connections.providers.azure_devops.conftest import Asking
from tests.connections.providers.azure_devops.loopback import answer, json_answer, listing

P = "Web Shop"
HERE = "/acme/Web%20Shop/_apis/build/builds/637"
RECORD: dict[str, Any] = {
    "id": "s-1",
    "parentId": "j-1",
    "type": "Task",
    "name": "Compile",
    "state": "completed",
    "result": "succeededWithIssues",
    "order": 3,
    "startTime": "2020-03-13T14:03:03.4166667Z",
    "finishTime": "2020-03-13T14:03:04Z",
    "workerName": "Hosted Agent",
    "log": {"id": 14, "type": "Container"},
    "errorCount": 1,
    "warningCount": 2,
    "issues": [{"type": "error", "message": "Broken"}, {"type": "warning"}, "odd"],
    "lastModified": "0001-01-01T00:00:00",
}


def test_the_steps_of_a_build_are_read(asking: Asking) -> None:
    server, transport = asking(json_answer({"records": [RECORD], "id": "t-1", "changeId": 3}))
    assert timeline.steps(transport, P, 637) == (
        Step(
            id="s-1",
            kind="Task",
            name="Compile",
            state=StepState.COMPLETED,
            parent_id="j-1",
            result=StepResult.SUCCEEDED_WITH_ISSUES,
            order=3,
            started_at=datetime(2020, 3, 13, 14, 3, 3, 416666, tzinfo=UTC),
            finished_at=datetime(2020, 3, 13, 14, 3, 4, tzinfo=UTC),
            log_id=14,
            errors=1,
            warnings=2,
            issues=(Issue("error", "Broken"), Issue("warning", "")),
        ),
    )
    assert server.seen[0].path == f"{HERE}/timeline"


@pytest.mark.parametrize("nothing", [answer(204, b""), answer(200, b"null"), json_answer({"records": None})])
def test_a_build_that_has_not_begun_has_no_steps(asking: Asking, nothing: bytes) -> None:
    _, transport = asking(nothing)
    assert timeline.steps(transport, P, 637) == ()


def test_an_error_is_never_a_build_without_steps(asking: Asking) -> None:
    _, transport = asking(json_answer({"message": "x", "typeKey": "BuildNotFoundException"}, status=404))
    with pytest.raises(errors.NotFound):
        timeline.steps(transport, P, 637)


@pytest.mark.parametrize(
    ("state", "result", "expected"),
    [
        ("pending", None, (StepState.PENDING, None)),
        ("inProgress", None, (StepState.IN_PROGRESS, None)),
        ("inProgress", "failed", (StepState.IN_PROGRESS, None)),
        ("completed", "succeeded", (StepState.COMPLETED, StepResult.SUCCEEDED)),
        ("completed", "failed", (StepState.COMPLETED, StepResult.FAILED)),
        ("completed", "canceled", (StepState.COMPLETED, StepResult.CANCELED)),
        ("completed", "cancelled", (StepState.COMPLETED, StepResult.CANCELED)),
        ("completed", "skipped", (StepState.COMPLETED, StepResult.SKIPPED)),
        ("completed", "abandoned", (StepState.COMPLETED, StepResult.ABANDONED)),
        ("completed", "somethingNew", (StepState.COMPLETED, StepResult.UNKNOWN)),
        ("somethingNew", "succeeded", (StepState.UNKNOWN, None)),
        (None, None, (StepState.UNKNOWN, None)),
    ],
)
def test_every_state_of_a_step_is_known_or_unknown(
    asking: Asking, state: object, result: object, expected: tuple[StepState, StepResult | None]
) -> None:
    _, transport = asking(json_answer({"records": [{"id": "s", "state": state, "result": result}]}))
    (step,) = timeline.steps(transport, P, 637)
    assert (step.state, step.result) == expected


@pytest.mark.parametrize("log", [None, "@{id=14; type=Container}", {}, {"id": "14"}, [14]])
def test_a_step_without_a_log_has_none(asking: Asking, log: object) -> None:
    _, transport = asking(json_answer({"records": [RECORD | {"log": log}]}))
    (step,) = timeline.steps(transport, P, 637)
    assert step.log_id is None


def step(name: str, parent: str | None = None, order: int = 1) -> Step:
    return Step(name, "Task", name, StepState.PENDING, parent_id=parent, order=order)


def test_steps_are_drawn_below_their_parents_in_their_order() -> None:
    found = [
        step("task b", "job", 2),
        step("job", "stage"),
        step("stage 2", order=2),
        step("task a", "job"),
        step("stage"),
    ]
    assert [(depth, one.name) for depth, one in in_order(found)] == [
        (0, "stage"),
        (1, "job"),
        (2, "task a"),
        (2, "task b"),
        (0, "stage 2"),
    ]


def test_a_step_whose_parent_is_missing_is_at_the_top() -> None:
    assert [(depth, one.name) for depth, one in in_order([step("task", "gone")])] == [(0, "task")]


ids = st.sampled_from("abcdef")


@given(st.lists(st.builds(step, ids, st.none() | ids, st.integers(0, 3)), max_size=8))
def test_no_step_is_lost_or_drawn_twice(found: list[Step]) -> None:
    assert sorted(one.id for _, one in in_order(found)) == sorted({one.id for one in found})


def test_the_logs_of_a_build_are_listed(asking: Asking) -> None:
    listed = listing({"id": 4, "lineCount": 12, "createdOn": "2026-04-01T10:00:00Z", "lastChangedOn": "x"}, {"id": 5})
    server, transport = asking(json_answer(listed))
    assert timeline.logs(transport, P, 637) == (
        Log(4, 12, created_at=datetime(2026, 4, 1, 10, tzinfo=UTC)),
        Log(5, 0),
    )
    assert server.seen[0].path == f"{HERE}/logs"


def test_the_lines_of_a_log_are_read_from_a_line_on(asking: Asking) -> None:
    server, transport = asking(json_answer(listing("2026 Zürich", "", "<script>")))
    assert timeline.lines(transport, P, 637, 14, first=7) == ("2026 Zürich", "", "<script>")
    assert server.seen[0].path == f"{HERE}/logs/14"
    assert server.seen[0].query == "startLine=7&api-version=7.1"


def test_the_lines_of_a_log_are_read_up_to_a_line(asking: Asking) -> None:
    server, transport = asking(json_answer(listing()))
    assert timeline.lines(transport, P, 637, 14, first=7, last=9) == ()
    assert server.seen[0].query == "startLine=7&endLine=9&api-version=7.1"


def test_a_log_that_is_too_long_is_not_read(asking: Asking) -> None:
    _, transport = asking(json_answer(listing("x" * 5000)))
    with pytest.raises(errors.AnswerTooLarge):
        timeline.lines(transport, P, 637, 14, max_bytes=1000)


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": [1]}, {"value": {"Message": "x"}}])
def test_what_is_no_list_of_lines_is_no_log(asking: Asking, body: dict[str, object]) -> None:
    _, transport = asking(json_answer(body))
    with pytest.raises(errors.UnexpectedAnswer):
        timeline.lines(transport, P, 637, 14)


def test_what_a_log_quotes_is_no_refusal(asking: Asking) -> None:
    line = "Access Denied: The Personal Access Token used has expired. TF400813 TF24668"
    _, transport = asking(json_answer(listing(line)))
    assert timeline.lines(transport, P, 637, 14) == (line,)
