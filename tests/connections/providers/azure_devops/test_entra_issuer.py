"""A credential of an application is exchanged for an access token, and nothing but a clear refusal counts as one."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connections.domain.problems.catalogue import PROBLEMS
from connections.providers.azure_devops import errors
from connections.providers.azure_devops.entra_credentials import EntraClientSecret
from connections.providers.azure_devops.entra_issuer import InvalidAuthority, Issuer, authority
from connections.providers.azure_devops.entra_refusals import _BY_NUMBER
from connections.providers.azure_devops.models import Server
from tests.connections.providers.azure_devops.authority import Authority
from tests.connections.providers.azure_devops.issuer import (
    CLIENT,
    CORRELATION,
    CREDENTIAL,
    SECRET,
    TENANT,
    TRACE,
    form,
    issued,
    refused,
)
from tests.connections.providers.azure_devops.loopback import (
    Loopback,
    Script,
    Seen,
    Wire,
    always,
    answer,
    json_answer,
    nobody,
)

Issuing = Callable[..., tuple[Loopback, Issuer]]
PAGE = (b"<html><title>Blocked</title></html>", ("Content-Type", "text/html"))


@pytest.fixture
def issuing(tmp_path: Path) -> Iterator[Issuing]:
    """A server over TLS with its own authority, and an issuer that leads to it."""
    running: list[Loopback] = []
    own = Authority(tmp_path)

    def start(script: Script, *, seconds: float = 5.0) -> tuple[Loopback, Issuer]:
        server = Loopback(script, tls=own.server("127.0.0.1"))
        running.append(server.__enter__())
        where = authority(server.url, ca_bundle=own.bundle, on_this_machine=True)
        return server, Issuer(where, connect_timeout=1.0, seconds=seconds)

    yield start
    for server in running:
        server.__exit__()


def refusal(issuer: Issuer) -> errors.AzureDevOpsError:
    with pytest.raises(errors.AzureDevOpsError) as raised:
        issuer.fetch(CREDENTIAL)
    assert SECRET not in repr(raised.value) + str(vars(raised.value))
    return raised.value


def test_a_client_secret_is_sent_to_the_endpoint_of_its_tenant(issuing: Issuing) -> None:
    server, issuer = issuing(always(issued("an-access-token")))
    token = issuer.fetch(CREDENTIAL)
    assert token.text.reveal() == "an-access-token"
    assert (server.seen[0].method, server.seen[0].target) == ("POST", f"/{TENANT}/oauth2/v2.0/token")
    assert form(server.seen[0]) == {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "grant_type": "client_credentials",
        "scope": "499b84ac-1321-427f-aa17-267ca6975798/.default",
    }
    assert "an-access-token" not in repr(token)


@pytest.mark.parametrize("lasts", [3600, "3600", 3600.0])
def test_its_life_counts_from_before_the_request(issuing: Issuing, lasts: object) -> None:
    token = issuing(always(issued("x", lasts=lasts)))[1].fetch(CREDENTIAL)
    assert token.renew_at - token.asked_at == pytest.approx(2700)
    assert token.ends_at - token.asked_at == pytest.approx(3600)


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("number", sorted(_BY_NUMBER))
def test_each_number_has_its_words_with_either_status(issuing: Issuing, number: int, status: int) -> None:
    error = refusal(issuing(always(refused(number, status=status)))[1])
    assert (type(error), error.transient) == (_BY_NUMBER[number], False)
    assert error.code in PROBLEMS


def test_a_number_is_read_from_the_description_if_it_is_not_listed(issuing: Issuing) -> None:
    assert refusal(issuing(always(refused(7000222, listed=False)))[1]).code == "entra_secret_ended"


def test_an_unknown_number_is_a_refusal_in_general(issuing: Issuing) -> None:
    error = refusal(issuing(always(refused(1234567)))[1])
    assert error.code == "entra_refused"
    assert error.activity_id == TRACE
    assert error.support == f"AADSTS1234567, trace {TRACE}, correlation {CORRELATION}, time 2026-11-29 15:00:26Z"


NO_REFUSALS = {
    "busy by number": refused(90055, error="invalid_request", status=400),
    "busy by word": refused(1, error="temporarily_unavailable", status=400),
    "throttled": answer(429, b"", ("Retry-After", "37")),
    "down": answer(503, *PAGE),
}


@pytest.mark.parametrize("said", NO_REFUSALS.values(), ids=NO_REFUSALS)
def test_a_busy_issuer_refuses_nothing(issuing: Issuing, said: bytes) -> None:
    error = refusal(issuing(always(said))[1])
    assert (error.code, error.transient) == ("entra_busy", True)


def test_a_wait_is_kept(issuing: Issuing) -> None:
    assert refusal(issuing(always(NO_REFUSALS["throttled"]))[1]).retry_after == 37.0


UNEXPECTED = {
    "a page": answer(200, *PAGE),
    "a page with the status of a refusal": answer(401, *PAGE),
    "an unknown word": refused(7000215, error="of_a_later_version"),
    "no token": json_answer({"token_type": "Bearer", "expires_in": 3599}),
    "no life": json_answer({"token_type": "Bearer", "access_token": "x", "expires_in": "soon"}),
    "an endless life": json_answer({"token_type": "Bearer", "access_token": "x", "expires_in": 10**400}),
    "a token of another type": json_answer({"token_type": "pop", "access_token": "x", "expires_in": 9}),
    "a token that fits into no header": json_answer(
        {"token_type": "Bearer", "access_token": "x\r\ny", "expires_in": 9}
    ),
    "a list": json_answer([1]),
    "a redirect": answer(302, b"", ("Location", "https://127.0.0.1:1/elsewhere")),
    "too much": answer(200, b"x" * 300_000),
}


@pytest.mark.parametrize("said", UNEXPECTED.values(), ids=UNEXPECTED)
def test_an_unexpected_answer_refuses_nothing(issuing: Issuing, said: bytes) -> None:
    server, issuer = issuing(always(said))
    assert refusal(issuer).code == "entra_unexpected_answer"
    assert len(server.seen) == 1


def test_a_slow_issuer_is_abandoned_at_the_deadline(issuing: Issuing) -> None:
    def slowly(_seen: Seen, wire: Wire) -> None:
        wire.drip(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n")

    server, issuer = issuing(slowly, seconds=0.3)
    error = refusal(issuer)
    assert (error.code, error.detail, error.transient) == ("entra_unreachable", "timed_out", True)
    assert not server.gave_in.is_set()


def test_an_issuer_that_is_down_is_unreachable() -> None:
    error = refusal(Issuer(Server("x", f"https://127.0.0.1:{nobody()}")))
    assert (error.code, error.detail, error.host) == ("entra_unreachable", "connection_failed", "127.0.0.1")


def test_an_issuer_with_a_certificate_of_someone_else_gets_nothing(issuing: Issuing) -> None:
    server, _ = issuing(always(issued("x")))
    error = refusal(Issuer(Server("x", server.url)))
    assert (error.code, error.transient, server.seen) == ("entra_not_trusted", False, [])


def test_a_proxy_of_the_environment_is_not_used_on_this_machine(
    issuing: Issuing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{nobody()}")
    assert issuing(always(issued("direct")))[1].fetch(CREDENTIAL).text.reveal() == "direct"


def test_no_log_line_has_a_secret_or_the_description(issuing: Issuing, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    issuing(always(issued("an-access-token")))[1].fetch(CREDENTIAL)
    refusal(issuing(always(refused(7000215)))[1])
    assert not any(text in caplog.text for text in (SECRET, "an-access-token", "Not this one"))
    assert "AADSTS7000215" in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "http://login.microsoftonline.com",
        "https://login.microsoftonline.com.example.com",
        "https://login.microsoftonline.com/common",
        "https://x@login.microsoftonline.com",
        "https://login.microsoftonline.us",
        "https://127.0.0.1:8443",
        "https://[",
        "",
    ],
)
def test_only_a_listed_authority_may_receive_credentials(url: str) -> None:
    with pytest.raises(InvalidAuthority):
        authority(url)


@pytest.mark.parametrize("url", ["https://example.com:8443", "http://127.0.0.1:8443", "https://127.0.0.1"])
def test_the_issuer_of_a_sandbox_is_on_this_machine(url: str) -> None:
    with pytest.raises(InvalidAuthority):
        authority(url, on_this_machine=True)


def test_the_public_cloud_is_an_authority() -> None:
    assert authority("https://login.microsoftonline.com/").url == "https://login.microsoftonline.com"


def test_the_same_parts_are_the_same_credential() -> None:
    assert EntraClientSecret(CREDENTIAL.reveal()) == CREDENTIAL
    assert EntraClientSecret.of(TENANT, CLIENT, "other") != CREDENTIAL
    assert (CREDENTIAL.tenant, CREDENTIAL.client, CREDENTIAL.secrets()) == (TENANT, CLIENT, (SECRET,))
    assert SECRET not in f"{CREDENTIAL!r}{CREDENTIAL}"
