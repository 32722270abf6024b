"""Testing a token before it is stored, against the sandbox."""

from collections.abc import Callable
from typing import Any

import pytest

from connections.models import Connection, ProbeResult, StoredTokenPolicy
from history.models import Event
from tests.api.calls import Program, problem

Token = Callable[[str], str]


def of(text: str, **more: Any) -> dict[str, Any]:
    return {"organization": "acme", "token": text} | more


@pytest.mark.usefixtures("sandbox")
def test_a_token_is_tested_and_nothing_is_stored(program: Program, token_of: Token) -> None:
    found = program.post("/connections/test", of(token_of("full")))
    assert (found["health"], found["is_accepted"], found["has_passed"]) == ("healthy", True, True)
    assert found["identity"]["name"]
    assert found["violations"] == []
    assert not (Connection.objects.exists())
    assert not (ProbeResult.objects.exists())
    assert not (Event.objects.exists())


@pytest.mark.usefixtures("sandbox")
def test_the_body_of_a_new_connection_can_be_tested_as_it_is(program: Program, token_of: Token) -> None:
    body = of(token_of("full"), name="Acme main", expires_on="2027-01-01", accept_limited=True, projects=None)
    assert program.post("/connections/test", body)["has_passed"]
    assert program.post("/connections", body)["name"] == "Acme main"


@pytest.mark.usefixtures("sandbox")
def test_a_rejected_token_is_a_result(program: Program, token_of: Token) -> None:
    found = program.post("/connections/test", of(token_of("expired")))
    assert (found["health"], found["is_accepted"], found["identity"]) == ("rejected", False, None)
    assert found["problem"]["code"] == "token_expired"


@pytest.mark.usefixtures("sandbox")
def test_missing_permissions_are_listed(program: Program, token_of: Token) -> None:
    found = program.post("/connections/test", of(token_of("no-release")))
    assert (found["health"], found["is_accepted"], found["has_passed"]) == ("limited", True, False)
    missing = {row["capability"] for row in found["capabilities"] if row["verdict"] == "missing"}
    assert "release_read" in missing


def test_a_token_that_is_in_use_violates_the_token_policy(
    program: Program, connected: Callable[..., Connection], token_of: Token
) -> None:
    connected("Fabrikam", organization="fabrikam")
    found = program.post("/connections/test", of(token_of("full")))
    assert [(row["code"], row["is_refused"]) for row in found["violations"]] == [("token_reused", False)]
    StoredTokenPolicy.objects.all().delete()


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"organization": "a b"}, "not_an_organization"),
        ({"server": "Elsewhere"}, "server_unknown"),
        ({"token": "a b"}, "input_invalid"),
        ({"surplus": 1}, "input_invalid"),
    ],
)
def test_what_cannot_be_tested_is_refused(
    program: Program, token_of: Token, changes: dict[str, Any], code: str
) -> None:
    problem(program.call("POST", "/connections/test", of(token_of("full")) | changes), 422, code)


@pytest.mark.usefixtures("sandbox")
def test_tests_are_limited_as_on_the_page(program: Program, token_of: Token, settings: Any) -> None:
    settings.TESTS_PER_PERSON = 1
    program.post("/connections/test", of(token_of("full")))
    response = program.call("POST", "/connections/test", of(token_of("full")))
    problem(response, 429, "too_many_tests")
    assert int(response.headers["Retry-After"]) > 0
