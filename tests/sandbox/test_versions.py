"""Agreeing on a version of the service."""

import pytest

from tests.sandbox.conftest import Caller

PROJECTS = "/acme/_apis/projects"
REPOSITORIES = "/acme/Storefront/_apis/git/repositories"


@pytest.mark.parametrize(
    ("asked", "type_key"),
    [
        ("banana", "VssInvalidApiVersionException"),
        ("7", "VssInvalidApiVersionException"),
        ("7.1-preview.x", "VssInvalidApiVersionException"),
        ("7.3", "VssVersionOutOfRangeException"),
        ("8.0-preview.1", "VssVersionOutOfRangeException"),
        ("7.2", "VssInvalidPreviewVersionException"),
    ],
)
def test_a_version_that_there_is_not_is_400(call: Caller, asked: str, type_key: str) -> None:
    answer = call("GET", PROJECTS, version=asked)
    assert (answer.status_code, answer.json()["typeKey"]) == (400, type_key)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("asked", ["1.0", "5.1", "6.0-preview", "7.0", "7.1", "7.1-preview.4", "7.2-preview.4"])
def test_a_version_that_there_is_comes_back_in_the_content_type(call: Caller, asked: str) -> None:
    answer = call("GET", PROJECTS, version=asked)
    assert answer.headers["Content-Type"] == f"application/json; charset=utf-8; api-version={asked}"


def test_the_version_may_stand_in_the_accept_header(call: Caller) -> None:
    answer = call("GET", PROJECTS, version=None, accept="application/json; api-version=6.0")
    assert answer.headers["Content-Type"].endswith("api-version=6.0")


def test_who_reads_need_not_say_a_version_and_who_changes_must(call: Caller) -> None:
    assert call("GET", REPOSITORIES, version=None).headers["Content-Type"].endswith("api-version=7.1")
    answer = call("POST", REPOSITORIES, version=None, json={"name": "New"})
    assert (answer.status_code, answer.json()["typeKey"]) == (400, "VssVersionNotSpecifiedException")


def test_connection_data_was_never_released(call: Caller) -> None:
    answer = call("GET", "/acme/_apis/connectionData", version="7.1")
    assert answer.json()["typeKey"] == "VssInvalidPreviewVersionException"
    assert '"7.1-preview"' in answer.json()["message"]
    assert call("GET", "/acme/_apis/connectionData", version="5.0-preview.1").status_code == 200
