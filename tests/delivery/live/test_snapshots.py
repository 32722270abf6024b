"""What is stored of a build or a release comes back as it was, holds no variables or parameters, and stays small."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock, patch

import pytest

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.build import Build, Result, Status, read_build
from connections.providers.azure_devops.release_models import Release, read_release
from connections.providers.azure_devops.timeline import Issue, Step, StepResult, StepState
from connections.providers.organization import Identity
from delivery.live import items, snapshots
from delivery.live.items import BuildView
from delivery.live.snapshots import decode, encode

NOW = datetime(2026, 11, 29, 8, 30, 15, 123456, tzinfo=UTC)
BUILD = Build(7, "7.1", Status.COMPLETED, 1, "CI", Result.FAILED, finished_at=NOW, requested_for=Identity("m", "Maya"))
STEP = Step("s", "Task", "Compile", StepState.COMPLETED, result=StepResult.FAILED, issues=(Issue("error", "No"),))
VIEW = BuildView(BUILD, ((0, STEP), (1, replace(STEP, id="t", result=None))))
ANSWER: dict[str, Any] = {
    "id": 3,
    "name": "Release-3",
    "status": "active",
    "createdOn": "2026-11-29T08:00:00Z",
    "variables": {"password": {"value": "hunter2", "isSecret": False}},
    "environments": [
        {
            "id": 1,
            "name": "Test",
            "status": "inProgress",
            "timeToDeploy": 1.5,
            "variables": {"key": {"value": "hunter2"}},
            "preDeployApprovals": [{"id": 5, "status": "pending", "approver": {"displayName": "Maya", "id": "m"}}],
            "deploySteps": [{"attempt": 1, "status": "inProgress", "operationStatus": "Pending"}],
        }
    ],
    "artifacts": [{"alias": "_drop", "type": "Build"}],
}


def test_a_build_with_its_steps_comes_back_as_it_was() -> None:
    assert decode(BuildView, json.loads(json.dumps(encode(VIEW)))) == VIEW


def test_a_release_with_its_stages_and_approvals_comes_back_as_it_was() -> None:
    release = read_release(ANSWER)
    assert decode(Release, json.loads(json.dumps(encode(release)))) == release


@pytest.mark.parametrize("data", [None, {}, {"id": 1}, [], 7, {"build": {}, "steps": []}])
def test_what_another_version_stored_is_no_value(data: object) -> None:
    assert decode(BuildView, data) is None


def test_variables_and_parameters_which_may_hold_secrets_are_not_stored() -> None:
    build = read_build({"id": 7, "status": "inProgress", "parameters": '{"password": "hunter2"}'})
    assert "hunter2" not in json.dumps([encode(read_release(ANSWER)), encode(BuildView(build, ()))])


def test_what_is_too_large_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "LARGEST", 10)
    with pytest.raises(errors.AnswerTooLarge):
        encode(read_release(ANSWER))


def test_a_build_with_too_many_steps_is_stored_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "LARGEST", len(json.dumps(encode(replace(VIEW, steps=())))) + 100)
    with patch.object(items, "build_with_steps", return_value=VIEW):
        snapshot = items.read_build(Mock(), Mock(), NOW)
    stored = decode(BuildView, snapshot.data)
    assert stored is not None
    assert (stored.build, stored.steps, stored.steps_problem) == (BUILD, (), errors.AnswerTooLarge.code)
