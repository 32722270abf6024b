"""Reading the answers of probes: tolerant in reading, strict in concluding."""

import json

import pytest

from connections.providers.azure_devops.capabilities import CAPABILITIES, PROBES, confirm, read_answer, reconcile
from connections.providers.azure_devops.responses import Response
from connections.providers.capability import Finding, Verdict

ME = "22157d54-1821-6536-a446-928b06348385"
SIGNED = {"x-vss-userdata": f"{ME}:me@example.com", "content-type": "application/json; charset=utf-8"}
REPOSITORY = PROBES[0].proofs


def envelope(type_key: str, message: str = "") -> bytes:
    return json.dumps({"$id": "1", "message": message, "typeKey": type_key}).encode()


def read(status: int, body: bytes = b"{}", headers: dict[str, str] | None = None) -> tuple[Verdict, str]:
    answer = Response(status, SIGNED if headers is None else headers, body)
    return read_answer(answer, proofs=REPOSITORY, identity=ME)


def test_every_capability_has_exactly_one_probe_in_order() -> None:
    assert [one.capability for one in PROBES] == [one.key for one in CAPABILITIES]


def test_a_signed_success_is_granted() -> None:
    assert read(200) == (Verdict.GRANTED, "")


def test_the_identity_is_compared_in_any_case() -> None:
    assert read(200, headers=SIGNED | {"x-vss-userdata": f"{ME.upper()}:me@example.com"})[0] is Verdict.GRANTED


@pytest.mark.parametrize("type_key", ["GitRepositoryNotFoundException", "ArgumentNullException", "ArgumentException"])
@pytest.mark.parametrize("status", [400, 404])
def test_an_error_about_the_probed_thing_or_its_arguments_proves_the_scope(status: int, type_key: str) -> None:
    assert read(status, envelope(type_key)) == (Verdict.GRANTED, "")


@pytest.mark.parametrize(
    "type_key",
    [
        "BuildNotFoundException",
        "ProjectDoesNotExistException",
        "XGitRepositoryNotFoundExceptionX",
        "VssServiceException",
    ],
)
def test_an_error_about_anything_else_proves_nothing(type_key: str) -> None:
    assert read(404, envelope(type_key))[0] is Verdict.UNKNOWN


def test_a_success_that_names_nobody_proves_nothing() -> None:
    assert read(200, headers={"content-type": "application/json"}) == (Verdict.UNKNOWN, "anonymous_answer")


def test_a_proof_that_names_somebody_else_proves_nothing() -> None:
    other = SIGNED | {"x-vss-userdata": "99bfe5fa-1f76-617a-804a-3dea5e41a965:you@example.com"}
    assert read(404, envelope("GitRepositoryNotFoundException"), other) == (Verdict.UNKNOWN, "another_identity")


def test_an_unsigned_empty_401_speaks_against_the_scope() -> None:
    assert read(401, b"", {"www-authenticate": 'Basic realm="https://somewhere/"'}) == (Verdict.MISSING, "")


def test_a_signed_empty_401_is_not_how_a_missing_scope_looks() -> None:
    assert read(401, b"", {"x-vss-userdata": f"{ME}:me@example.com"}) == (Verdict.UNKNOWN, "signed_refusal")


def test_a_401_with_words_is_about_the_token_and_not_the_scope() -> None:
    body = envelope("UnauthorizedRequestException", "TF400813: The user '' is not authorized")
    assert read(401, body, {"content-type": "application/json"}) == (Verdict.UNKNOWN, "token_refused")


def test_a_real_403_means_that_the_person_may_not() -> None:
    assert read(403, envelope("GitNeedsPermissionException", "TF401027")) == (Verdict.NOT_PERMITTED, "access_denied")


def test_a_403_page_of_something_on_the_way_proves_nothing() -> None:
    assert read(403, b"<html>Blocked</html>", {"content-type": "text/html"})[0] is Verdict.UNKNOWN


def test_a_list_shaped_error_proves_nothing() -> None:
    body = b'{"count":1,"value":{"Message":"The request is invalid."}}'
    assert read(400, body) == (Verdict.UNKNOWN, "rejected")


@pytest.mark.parametrize(
    ("status", "reason"),
    [(302, "redirected"), (203, "foreign_page"), (429, "throttled"), (503, "server_error")],
)
def test_trouble_on_the_way_could_not_tell(status: int, reason: str) -> None:
    assert read(status, b"", {}) == (Verdict.UNKNOWN, reason)


def test_missing_becomes_unknown_when_the_second_look_fails() -> None:
    findings = (Finding("code_read", Verdict.MISSING), Finding("code_write", Verdict.GRANTED))
    doubted = confirm(findings, refusal="timed_out")
    assert [(one.verdict, one.reason) for one in doubted] == [(Verdict.UNKNOWN, "timed_out"), (Verdict.GRANTED, "")]


def test_a_higher_level_cannot_be_there_while_a_lower_one_is_missing() -> None:
    findings = [
        Finding("code_read", Verdict.GRANTED),
        Finding("code_write", Verdict.MISSING),
        Finding("code_manage", Verdict.GRANTED),
    ]
    settled = reconcile(findings)
    assert [one.verdict for one in settled] == [Verdict.GRANTED, Verdict.MISSING, Verdict.UNKNOWN]
    assert settled[2].reason == "contradiction"


def test_levels_of_different_areas_do_not_contradict_each_other() -> None:
    findings = (Finding("code_read", Verdict.MISSING), Finding("build_read", Verdict.GRANTED))
    assert reconcile(findings) == findings
