"""Microsoft Entra ID: a token of our tenant lets in whom an administrator added, and nobody else."""

import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from history.models import Event
from tests.sign_in.codes import add_app
from tests.sign_in.provider import CLIENT, KID, LEFT_OUT, Entra, new_key, serve

HERE = {"provider_id": "entra"}
MAYA = {"oid": "object-1", "preferred_username": "Maya@contoso.example"}


@pytest.fixture(scope="module")
def machine() -> Iterator[Entra]:
    entra = Entra()
    server = serve(entra)
    yield entra
    server.shutdown()
    server.server_close()


@pytest.fixture
def entra(machine: Entra, settings: Settings) -> Entra:
    machine.claims, machine.signed_with, machine.algorithm = dict(MAYA), None, "RS256"
    machine.kid, machine.answer, machine.published, machine.configured = KID, {}, None, {}
    providers = deepcopy(settings.SOCIALACCOUNT_PROVIDERS)
    providers["openid_connect"]["APPS"][0]["settings"]["server_url"] = machine.issuer
    settings.SOCIALACCOUNT_PROVIDERS = providers
    return machine


def begin(client: Client, entra: Entra, **query: str) -> dict[str, str]:
    """Press the link; what Microsoft's page would be asked."""
    answer = client.get(reverse("openid_connect_login", kwargs=HERE), query)
    assert answer.status_code == 302, answer.content.decode()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    entra.challenge = asked["code_challenge"]
    return asked


def come_back(client: Client, **query: str) -> Any:
    return client.get(reverse("openid_connect_callback", kwargs=HERE), query)


def sign_in(client: Client, entra: Entra, **query: str) -> Any:
    return come_back(client, code="good", state=begin(client, entra, **query)["state"])


def is_in(client: Client) -> bool:
    return client.get(reverse("people:account")).status_code == 200


def test_the_sign_in_page_offers_it(client: Client, entra: Entra, db: None) -> None:
    page = client.get(reverse("login")).content.decode()
    assert "Sign in with Microsoft Entra ID" in page
    assert reverse("openid_connect_login", kwargs=HERE) in page


def test_it_asks_as_it_should(client: Client, entra: Entra, db: None) -> None:
    asked = begin(client, entra)
    assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "http://testserver/sign-in/entra/back/"
    assert "openid" in asked["scope"].split()


def test_somebody_who_was_added_is_linked_and_has_their_role(client: Client, entra: Entra, maya: User) -> None:
    answer = sign_in(client, entra)
    assert answer.headers["Location"] == reverse("connections:list")
    assert client.get(reverse("connections:list")).status_code == 200
    assert client.get(reverse("people:list")).status_code == 403
    assert SocialAccount.objects.get().user == maya
    kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds[-2:] == ["person.linked", "person.signed_in"]


def test_where_somebody_wanted_to_go_is_where_they_arrive(client: Client, entra: Entra, maya: User) -> None:
    assert sign_in(client, entra, next="/account/").headers["Location"] == "/account/"
    client.post(reverse("logout"))
    assert sign_in(client, entra, next="https://evil.example/").headers["Location"] == reverse("connections:list")


def test_once_linked_the_object_counts_and_not_the_name(client: Client, entra: Entra, maya: User) -> None:
    sign_in(client, entra)
    client.post(reverse("logout"))
    entra.claims["preferred_username"] = "renamed@contoso.example"
    sign_in(client, entra)
    assert is_in(client)
    assert SocialAccount.objects.count() == 1


def test_another_object_of_the_same_name_does_not_get_in(client: Client, entra: Entra, maya: User) -> None:
    sign_in(client, entra)
    client.post(reverse("logout"))
    entra.claims["oid"] = "object-2"
    assert sign_in(client, entra).status_code == 403
    assert not is_in(client)


@pytest.mark.parametrize(
    "claims",
    [
        {"preferred_username": "nobody@contoso.example"},
        {"preferred_username": ""},
        # A mail address is what people say of themselves.
        {"preferred_username": "nobody@contoso.example", "email": "maya@contoso.example", "email_verified": True},
    ],
)
def test_nobody_else_gets_in_and_nobody_is_made(
    client: Client, entra: Entra, maya: User, claims: dict[str, Any]
) -> None:
    entra.claims |= claims
    answer = sign_in(client, entra)
    assert answer.status_code == 403
    assert "Ask an administrator of MFE Orchestrator to add you" in answer.content.decode()
    assert not is_in(client)
    assert User.objects.count() == 1
    last = Event.objects.latest("pk")
    assert (last.kind, last.detail["reason"], last.subject_name) == (
        "person.sign_in_refused",
        "entra",
        "unknown username",
    )


def test_a_mail_address_that_somebody_gave_themselves_links_nobody(client: Client, entra: Entra, maya: User) -> None:
    User.objects.filter(pk=maya.pk).update(email="boss@contoso.example")
    entra.claims["preferred_username"] = "boss@contoso.example"
    assert sign_in(client, entra).status_code == 403
    assert not SocialAccount.objects.exists()


def test_somebody_who_left_does_not_get_in(client: Client, entra: Entra, maya: User) -> None:
    sign_in(client, entra)
    client.post(reverse("logout"))
    User.objects.filter(pk=maya.pk).update(is_active=False)
    assert sign_in(client, entra).status_code == 403
    assert not is_in(client)


def _another_key(entra: Entra) -> None:
    entra.signed_with = new_key()


def _no_signature(entra: Entra) -> None:
    entra.signed_with, entra.algorithm = "", "none"


def _our_own_secret(entra: Entra) -> None:
    entra.signed_with, entra.algorithm = "x" * 64, "HS256"


def _for_somebody_else(entra: Entra) -> None:
    entra.claims["aud"] = "another-client"


def _of_another_tenant(entra: Entra) -> None:
    entra.claims["iss"] = entra.issuer.replace("1111", "9999")


def _expired(entra: Entra) -> None:
    entra.claims["exp"] = int(time.time()) - 60


@pytest.mark.parametrize(
    "wrong", [_another_key, _no_signature, _our_own_secret, _for_somebody_else, _of_another_tenant, _expired]
)
def test_a_token_that_cannot_be_trusted_lets_nobody_in(
    client: Client, entra: Entra, maya: User, wrong: Callable[[Entra], None]
) -> None:
    wrong(entra)
    answer = sign_in(client, entra)
    assert answer.status_code == 403
    assert "did not confirm who you are" in answer.content.decode()
    assert not is_in(client)
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize(
    "claims",
    [
        {"oid": LEFT_OUT},
        {"oid": ""},
        {"oid": None},
        {"oid": 17},
        {"oid": ["object-1"]},
        {"oid": "x" * 300},
        {"oid": "object\x00"},
        {"tid": LEFT_OUT},
        {"tid": 5},
        {"tid": "99999999-2222-4333-8444-555555555555"},
        {"exp": LEFT_OUT},
        {"iat": LEFT_OUT},
        {"exp": "soon"},
        {"aud": LEFT_OUT},
        {"iss": LEFT_OUT},
    ],
)
def test_a_token_that_does_not_say_whose_it_is_gives_the_refusal_page(
    client: Client, entra: Entra, maya: User, claims: dict[str, Any]
) -> None:
    entra.claims |= claims
    answer = sign_in(client, entra)
    assert answer.status_code == 403
    assert "did not confirm who you are" in answer.content.decode()
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("name", [LEFT_OUT, None, 17, ["maya@contoso.example"], "x" * 300, "maya\x00@contoso.example"])
def test_a_token_without_a_usable_name_gives_the_refusal_page(
    client: Client, entra: Entra, maya: User, name: object
) -> None:
    entra.claims["preferred_username"] = name
    answer = sign_in(client, entra)
    assert answer.status_code == 403
    assert "Ask an administrator of MFE Orchestrator to add you" in answer.content.decode()
    assert not SocialAccount.objects.exists()


def test_claims_that_nobody_needs_may_be_of_any_kind_and_are_not_kept(client: Client, entra: Entra, maya: User) -> None:
    entra.claims |= {"name": 17, "email": ["x"], "given_name": {"a": 1}, "email_verified": "\x00"}
    assert sign_in(client, entra).headers["Location"] == reverse("connections:list")
    assert set(SocialAccount.objects.get().extra_data["id_token"]) == {"oid", "tid", "sub", "preferred_username"}


@pytest.mark.parametrize("kid", [None, "", "another-key"])
def test_a_token_of_a_key_that_is_not_named_or_not_published_gives_the_refusal_page(
    client: Client, entra: Entra, maya: User, kid: str | None
) -> None:
    entra.kid = kid
    assert sign_in(client, entra).status_code == 403
    assert not is_in(client)


def test_other_published_keys_may_be_of_any_kind(client: Client, entra: Entra, maya: User) -> None:
    others = [{"kty": "EC"}, {"kid": KID, "kty": "EC"}, {"kid": "other", "kty": "RSA"}]
    entra.published = {"keys": [*others, *entra.keys()["keys"]]}
    assert sign_in(client, entra).headers["Location"] == reverse("connections:list")


@pytest.mark.parametrize("published", [{}, {"keys": None}, {"keys": ["x"]}, {"keys": [{"kid": KID, "kty": "RSA"}]}])
def test_keys_that_cannot_be_read_give_the_refusal_page(
    client: Client, entra: Entra, maya: User, published: dict[str, Any]
) -> None:
    entra.published = published
    assert sign_in(client, entra).status_code == 403


@pytest.mark.parametrize(
    "answer",
    [
        {"id_token": LEFT_OUT},
        {"id_token": None},
        {"id_token": 5},
        {"id_token": "no token"},
        {"access_token": LEFT_OUT},
    ],
)
def test_an_answer_to_the_code_without_a_token_gives_the_refusal_page(
    client: Client, entra: Entra, maya: User, answer: dict[str, Any]
) -> None:
    entra.answer = answer
    assert sign_in(client, entra).status_code == 403


def test_what_else_stands_in_the_answer_is_not_looked_at(client: Client, entra: Entra, maya: User) -> None:
    entra.answer = {"expires_in": "soon", "refresh_token": 5}
    assert sign_in(client, entra).headers["Location"] == reverse("connections:list")


@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize(("ahead", "status"), [(5, 302), (45, 302), (300, 403)])
def test_a_clock_a_few_seconds_off_lets_in_and_one_that_is_minutes_off_does_not(
    client: Client, entra: Entra, maya: User, claim: str, ahead: int, status: int
) -> None:
    entra.claims[claim] = int(time.time()) + ahead
    assert sign_in(client, entra).status_code == status


def test_a_token_that_ended_a_few_seconds_ago_by_our_clock_lets_in(client: Client, entra: Entra, maya: User) -> None:
    entra.claims["exp"] = int(time.time()) - 10
    assert sign_in(client, entra).status_code == 302


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
def test_an_address_that_is_not_published_gives_the_refusal_page_before_anybody_leaves(
    client: Client, entra: Entra, maya: User, name: str
) -> None:
    entra.configured = {name: LEFT_OUT}
    assert client.get(reverse("openid_connect_login", kwargs=HERE)).status_code == 403


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri", "issuer"])
def test_an_address_that_is_not_published_gives_the_refusal_page_to_who_comes_back(
    client: Client, entra: Entra, maya: User, name: str
) -> None:
    state = begin(client, entra)["state"]
    entra.configured = {name: LEFT_OUT}
    assert come_back(client, code="good", state=state).status_code == 403


def test_an_entra_that_is_away_gives_the_refusal_page_at_both_ends(
    client: Client, entra: Entra, maya: User, settings: Settings
) -> None:
    state = begin(client, entra)["state"]
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"]["server_url"] = "http://127.0.0.1:1/x"
    answer = client.get(reverse("openid_connect_login", kwargs=HERE))
    assert answer.status_code == 403
    assert "did not confirm who you are" in answer.content.decode()
    assert come_back(client, code="good", state=state).status_code == 403


def test_an_answer_that_nobody_asked_for_lets_nobody_in(client: Client, entra: Entra, maya: User) -> None:
    begin(client, entra)
    assert come_back(client, code="good", state="made-up").status_code == 403
    assert come_back(client, error="access_denied").status_code == 403
    assert not is_in(client)


def test_a_state_of_another_browser_lets_nobody_in(client: Client, entra: Entra, maya: User) -> None:
    state = begin(client, entra)["state"]
    other = Client()
    assert come_back(other, code="good", state=state).status_code == 403
    assert not is_in(other)


def test_who_has_a_second_factor_is_asked_for_it_here_too(
    client: Client, entra: Entra, sign_in: Callable[[Client], str]
) -> None:
    sign_in(client)
    add_app(client)
    client.post(reverse("logout"))
    answer = come_back(client, code="good", state=begin(client, entra)["state"])
    assert answer.headers["Location"] == reverse("mfa_authenticate")
    assert not is_in(client)
