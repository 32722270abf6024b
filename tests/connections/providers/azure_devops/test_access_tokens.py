"""Access tokens are fetched once for all threads, renewed in time, and never replayed after a failure."""

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from connections.providers.azure_devops import access_tokens, entra_errors, errors
from connections.providers.azure_devops.access_tokens import AccessTokens, Bearer
from connections.providers.azure_devops.entra_credentials import EntraClientSecret
from connections.providers.azure_devops.entra_issuer import Issuer
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.transport import Transport
from core.redaction import REDACTED
from tests.connections.providers.azure_devops.issuer import CLIENT, CREDENTIAL, SECRET, TENANT, issued, refused
from tests.connections.providers.azure_devops.loopback import (
    Loopback,
    Seen,
    Wire,
    always,
    answer,
    json_answer,
    refusal,
)

REFUSED = refusal(401, "TF400813: The user 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa' is not authorized.", "Unauthorized")


def at(server: Loopback) -> Issuer:
    """The issuer at a server without TLS, which only a test has."""
    return Issuer(Server("Loopback", server.url), seconds=3.0)


def numbered(*, lasts: float = 3600.0, wait: float = 0.0) -> Callable[[Seen, Wire], None]:
    """Issues access-1, access-2 and so on."""
    count = iter(range(1, 1000))

    def issue(_seen: Seen, wire: Wire) -> None:
        number = next(count)
        time.sleep(wait)
        wire.send(issued(f"access-{number}", lasts=lasts))

    return issue


@pytest.fixture
def issuer() -> Iterator[Loopback]:
    with Loopback(numbered(wait=0.1)) as server:
        yield server


def test_twenty_threads_without_a_token_make_one_request(issuer: Loopback) -> None:
    tokens, where = AccessTokens(), at(issuer)
    with ThreadPoolExecutor(20) as pool:
        got = list(pool.map(lambda _: tokens.get(where, CREDENTIAL).text.reveal(), range(20)))
    assert (set(got), len(issuer.seen)) == ({"access-1"}, 1)


def test_twenty_threads_share_a_failure_and_the_next_asks_again() -> None:
    def fail(_seen: Seen, wire: Wire) -> None:
        time.sleep(0.2)
        wire.send(refused(7000215))

    def refused_code(_: int) -> str:
        with pytest.raises(errors.EntraRefused) as raised:
            tokens.get(where, CREDENTIAL)
        return raised.value.code

    with Loopback(fail) as server, ThreadPoolExecutor(20) as pool:
        tokens, where = AccessTokens(), at(server)
        assert set(pool.map(refused_code, range(20))) == {"entra_secret_wrong"}
        assert len(server.seen) == 1
        refused_code(0)
        assert len(server.seen) == 2


def test_a_put_right_application_works_at_once() -> None:
    with Loopback(always(refused(700016), issued("now"))) as server:
        tokens = AccessTokens()
        with pytest.raises(entra_errors.EntraApplicationUnknown):
            tokens.get(at(server), CREDENTIAL)
        assert tokens.get(at(server), CREDENTIAL).text.reveal() == "now"


def test_each_tenant_client_and_secret_has_its_own_token(issuer: Loopback) -> None:
    tokens, where = AccessTokens(), at(issuer)
    other_secret = EntraClientSecret.of(TENANT, CLIENT, "another")
    other_client = EntraClientSecret.of(TENANT, TENANT, SECRET)
    credentials = (CREDENTIAL, other_secret, other_client, CREDENTIAL)
    got = [tokens.get(where, credential).text.reveal() for credential in credentials]
    assert got == ["access-1", "access-2", "access-3", "access-1"]


class Clock:
    """The clock of the access tokens, which a test moves forward."""

    ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def move_to(self, moment: float) -> None:
        self.ahead = moment - time.monotonic()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(access_tokens, "time", clock)
    return clock


def test_a_token_is_renewed_at_three_quarters_of_its_life(clock: Clock) -> None:
    with Loopback(numbered(lasts=400.0)) as server:
        tokens, where = AccessTokens(), at(server)
        first = tokens.get(where, CREDENTIAL)
        assert first.renew_at - first.asked_at == pytest.approx(300.0)
        clock.move_to(first.renew_at - 60)
        assert tokens.get(where, CREDENTIAL) is first
        clock.move_to(first.renew_at)
        assert tokens.get(where, CREDENTIAL).text.reveal() == "access-2"


def test_a_token_outlasts_an_outage_of_the_issuer(clock: Clock) -> None:
    with Loopback(always(issued("lasts", lasts=400.0), answer(503, b""))) as server:
        tokens, where = AccessTokens(), at(server)
        first = tokens.get(where, CREDENTIAL)
        clock.move_to(first.renew_at)
        assert [tokens.get(where, CREDENTIAL) for _ in range(3)] == [first] * 3
        assert len(server.seen) == 2


def test_a_refusal_ends_a_token() -> None:
    with Loopback(always(issued("gone"), refused(7000112), issued("back"))) as server:
        tokens, where = AccessTokens(), at(server)
        first = tokens.get(where, CREDENTIAL)
        with pytest.raises(entra_errors.EntraApplicationDisabled):
            tokens.get(where, CREDENTIAL, after=math.nextafter(first.asked_at, math.inf))
        assert tokens.get(where, CREDENTIAL).text.reveal() == "back"


def test_a_test_asks_for_a_token_of_its_own(issuer: Loopback) -> None:
    tokens, where = AccessTokens(), at(issuer)
    tokens.get(where, CREDENTIAL)
    tested = Bearer(CREDENTIAL, where, tokens=tokens, fresh=True)
    for _ in range(3):
        tested.prepare()
    assert tested.secrets() == (SECRET, "access-2")
    assert tokens.get(where, CREDENTIAL).text.reveal() == "access-2"


def test_a_refused_access_token_is_renewed_once_and_the_call_repeated_once(issuer: Loopback) -> None:
    with Loopback(always(REFUSED, json_answer({}))) as server:
        signer = Bearer(CREDENTIAL, at(issuer), tokens=AccessTokens())
        with Transport(Server("Loopback", server.url), "acme", signer) as transport:
            transport.get(("_apis", "projects"))
        sent = [seen["authorization"] for seen in server.seen]
    assert sent == ["Bearer access-1", "Bearer access-2"]


def test_no_access_token_is_renewed_with_a_secret_that_leaked_during_the_call(issuer: Loopback) -> None:
    checks = iter((None, None, errors.TokenLeaked()))

    def check() -> None:
        if (leaked := next(checks)) is not None:
            raise leaked

    with Loopback(always(REFUSED)) as server:
        signer = Bearer(CREDENTIAL, at(issuer), tokens=AccessTokens())
        with (
            Transport(Server("Loopback", server.url), "acme", signer, before_exchange=check) as transport,
            pytest.raises(errors.TokenLeaked),
        ):
            transport.get(("_apis", "projects"))
    assert (len(server.seen), len(issuer.seen)) == (1, 1)


def test_a_client_renews_no_second_time(issuer: Loopback) -> None:
    with Loopback(always(REFUSED)) as server:
        signer = Bearer(CREDENTIAL, at(issuer), tokens=AccessTokens())
        with Transport(Server("Loopback", server.url), "acme", signer) as transport:
            for _ in range(3):
                with pytest.raises(errors.PrincipalRefused):
                    transport.get(("_apis", "projects"))
    assert (len(server.seen), len(issuer.seen)) == (4, 2)


def test_an_answer_about_the_application_renews_nothing(issuer: Loopback) -> None:
    object_id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    said = f"TF401444: Please sign-in at least once as {TENANT}\\{TENANT}\\{object_id} in a web browser."
    with Loopback(always(refusal(401, said, "UnauthorizedRequestException"))) as server:
        signer = Bearer(CREDENTIAL, at(issuer), tokens=AccessTokens())
        with (
            Transport(Server("Loopback", server.url), "acme", signer) as transport,
            pytest.raises(errors.PrincipalNotAdded) as raised,
        ):
            transport.get(("_apis", "projects"))
    assert (raised.value.object_id, len(server.seen)) == (object_id, 1)


def test_an_access_token_that_comes_back_is_redacted(issuer: Loopback) -> None:
    def sent_back(seen: Seen, wire: Wire) -> None:
        wire.send(json_answer({"sent": seen["authorization"], "kept": SECRET}))

    with Loopback(sent_back) as server:
        signer = Bearer(CREDENTIAL, at(issuer), tokens=AccessTokens())
        with Transport(Server("Loopback", server.url), "acme", signer) as transport:
            said = transport.get(("_apis", "projects")).json_object()
    assert said == {"sent": f"Bearer {REDACTED}", "kept": REDACTED}


def test_nothing_is_sent_without_a_token() -> None:
    with Loopback(always(refused(7000215))) as server, Loopback() as azure:
        signer = Bearer(CREDENTIAL, at(server), tokens=AccessTokens())
        with (
            Transport(Server("Loopback", azure.url), "acme", signer) as transport,
            pytest.raises(entra_errors.EntraSecretWrong),
        ):
            transport.get(("_apis", "projects"))
    assert azure.seen == []


def test_neither_tokens_nor_signers_show_anything(issuer: Loopback) -> None:
    tokens = AccessTokens()
    signer = Bearer(CREDENTIAL, at(issuer), tokens=tokens)
    signer.prepare()
    assert not any(text in f"{signer!r}{tokens!r}" for text in (SECRET, "access-1"))
