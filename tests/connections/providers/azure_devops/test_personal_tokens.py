"""The client of the lifecycle of personal access tokens."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connections.domain.problems import catalogue
from connections.domain.problems.renewal import CODES, UNKNOWN, code_of
from connections.providers.azure_devops import errors, personal_tokens
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.personal_tokens import TokenLifecycleNotAllowed, TokenLifecycleRefused
from connections.providers.azure_devops.responses import Response
from connections.providers.azure_devops.sign_in import PersonsToken
from connections.providers.azure_devops.transport import Transport
from core.secrets import Secret
from sandbox.server import Sandbox

LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=20)


def opened(sandbox: Sandbox, bearer: str) -> Transport:
    return Transport(Server("Sandbox", sandbox.url, kind="sandbox"), "acme", PersonsToken(Secret(bearer)))


@pytest.fixture
def transport(sandbox: Sandbox) -> Iterator[Transport]:
    with opened(sandbox, sandbox.entra.persons_token()) as transport:
        yield transport


def make(transport: Transport, name: str = "made") -> personal_tokens.NewToken:
    return personal_tokens.create(transport, name=name, scopes=["vso.build", "vso.code"], valid_to=LATER)


def test_a_token_is_made_read_and_revoked(transport: Transport) -> None:
    made = make(transport)
    assert (made.entry.scope, made.entry.valid_to) == ("vso.build vso.code", LATER)
    assert made.entry.organizations is not None
    assert personal_tokens.read(transport, made.entry.id) == made.entry
    personal_tokens.revoke(transport, made.entry.id)
    assert made.entry.id not in [entry.id for entry in personal_tokens.active_tokens(transport).items]


def test_a_list_is_read_to_its_end(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_tokens, "_PAGE", 2)
    names = {make(transport, f"made {number}").entry.name for number in range(5)}
    listed = personal_tokens.active_tokens(transport)
    assert listed.is_whole
    assert names <= {entry.name for entry in listed.items}


def test_revoking_twice_is_no_error(transport: Transport) -> None:
    made = make(transport)
    personal_tokens.revoke(transport, made.entry.id)
    personal_tokens.revoke(transport, made.entry.id)


def test_a_creation_is_never_repeated(transport: Transport, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("close", method="POST", path="/tokens/pats", carried_out=True)
    with pytest.raises(errors.ConnectionFailed):
        make(transport, "once")
    assert len([token for token in sandbox.state.tokens.values() if token.name == "once"]) == 1


def test_a_reason_is_read_with_the_status_400_too(transport: Transport, sandbox: Sandbox) -> None:
    body = '{"patToken": null, "patTokenError": "invalidScope"}'
    headers = {"Content-Type": "application/json"}
    sandbox.behaviour.add("status", path="/tokens/pats", status=400, body=body, headers=headers)
    with pytest.raises(TokenLifecycleRefused) as refused:
        make(transport)
    assert refused.value.word == "invalidScope"


@pytest.mark.parametrize("scope", ["vso.pats", "vso.code"])
def test_an_access_token_without_the_permissions_is_not_allowed(sandbox: Sandbox, scope: str) -> None:
    bearer = sandbox.entra.persons_token("maya@example.com", scope)
    with opened(sandbox, bearer) as transport, pytest.raises(TokenLifecycleNotAllowed):
        make(transport)


def test_an_application_is_not_allowed(sandbox: Sandbox) -> None:
    with opened(sandbox, sandbox.entra.access_token("full")) as transport, pytest.raises(TokenLifecycleNotAllowed):
        make(transport)


@pytest.mark.parametrize(
    "kind", ["status", "maintenance", "throttle", "block_page", "not_json", "close", "reset", "oversized"]
)
def test_an_outage_is_no_refusal(transport: Transport, sandbox: Sandbox, kind: str) -> None:
    sandbox.behaviour.add(kind, path="/tokens/pats")
    with pytest.raises(errors.AzureDevOpsError) as failed:
        make(transport)
    assert not isinstance(failed.value, TokenLifecycleRefused | TokenLifecycleNotAllowed)


@pytest.mark.parametrize("word", ["0", "7", "true", '"no word"', '""', "{}"])
def test_an_error_that_is_no_word_does_not_say_that_nothing_was_made(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    body = f'{{"patToken": {{"authorizationId": "a", "token": "t"}}, "patTokenError": {word}}}'
    answer = Response(200, {"content-type": "application/json"}, body.encode())
    monkeypatch.setattr(transport, "ask", lambda *_args, **_options: answer)
    with pytest.raises(errors.UnexpectedAnswer):
        make(transport)


def test_every_reason_has_words_and_a_next_step() -> None:
    for word in [*CODES, "somethingNew"]:
        problem = catalogue.PROBLEMS[code_of(word)]
        assert problem.next_step
        assert (problem.code == UNKNOWN) == (word == "somethingNew")


def test_at_azure_devops_services_it_has_a_host_of_its_own() -> None:
    server = Server("Services", "https://dev.azure.com")
    assert server.url_of("tokens") == "https://vssps.dev.azure.com"
    assert (server.url_of("core"), server.url_of("release")) == ("https://dev.azure.com", "https://vsrm.dev.azure.com")
