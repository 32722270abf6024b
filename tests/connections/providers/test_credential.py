"""A further kind of credential needs a class: the transport and the stored row know only what every kind has."""

from collections.abc import MutableMapping
from datetime import date

import pytest

from connections.models import StoredCredential
from connections.providers import registry
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.transport import Transport
from connections.providers.credential import Credential, Signer
from core.encryption import UnreadableToken, fingerprint
from core.redaction import REDACTED
from core.secrets import Secret
from tests.connections.providers.azure_devops.loopback import Loopback, Seen, Wire, always, json_answer
from tests.factories import ConnectionFactory, StoredCredentialFactory

CLIENT_SECRET, ACCESS_TOKEN = "client-secret-0123456789", "access-token-0123456789abcdef"


class Bearer(Credential, Signer):
    """Sends another text than it is stored as, as a service principal does."""

    __slots__ = ()

    kind = "bearer_of_a_test"
    label = "Bearer"

    def sign(self, headers: MutableMapping[str, str]) -> None:
        headers["Authorization"] = f"Bearer {ACCESS_TOKEN}"

    def secrets(self) -> tuple[str, ...]:
        return (*super().secrets(), ACCESS_TOKEN)


def test_a_request_is_signed_by_the_credential_and_none_of_its_secrets_comes_back() -> None:
    def sent_back(seen: Seen, wire: Wire) -> None:
        wire.send(json_answer({"sent": seen["authorization"], "kept": CLIENT_SECRET}))

    with (
        Loopback(sent_back) as server,
        Transport(Server("Loopback", server.url), "acme", Bearer(CLIENT_SECRET)) as transport,
    ):
        answer = transport.get(("_apis", "projects"))
    assert server.seen[0]["authorization"] == f"Bearer {ACCESS_TOKEN}"
    assert answer.json_object() == {"sent": f"Bearer {REDACTED}", "kept": REDACTED}


def test_a_personal_access_token_is_sent_as_the_password_of_nobody() -> None:
    with (
        Loopback(always(json_answer({}))) as server,
        Transport(Server("Loopback", server.url), "acme", PersonalAccessToken("abcdefgh")) as transport,
    ):
        transport.get(("_apis", "projects"))
    assert server.seen[0]["authorization"] == "Basic OmFiY2RlZmdo"


@pytest.mark.django_db
def test_a_stored_credential_comes_back_as_the_kind_that_was_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._CREDENTIALS, Bearer.kind, Bearer)
    stored = StoredCredential(connection=ConnectionFactory.create())
    stored.seal(Bearer(CLIENT_SECRET))
    stored.save()
    found = StoredCredential.objects.get()
    assert (type(found.reveal()), found.reveal()) == (Bearer, Secret(CLIENT_SECRET))
    assert found.fingerprint == fingerprint(Secret(CLIENT_SECRET))


@pytest.mark.django_db
def test_a_kind_that_this_version_does_not_know_is_unreadable_like_a_missing_key() -> None:
    stored = StoredCredentialFactory.create()
    assert (stored.kind, type(stored.reveal())) == ("personal_access_token", PersonalAccessToken)
    stored.kind = "of_a_later_version"
    with pytest.raises(UnreadableToken):
        stored.reveal()


def test_a_personal_access_token_expires_when_a_person_says() -> None:
    token = PersonalAccessToken("abcdefgh")
    assert [token.expires_on(day) for day in (None, date(2027, 1, 1))] == [None, date(2027, 1, 1)]


def test_each_kind_is_listed_once() -> None:
    kinds = [credential.kind for provider in registry.PROVIDERS for credential in provider.credentials]
    assert sorted(kinds) == sorted(registry._CREDENTIALS)
