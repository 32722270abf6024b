"""API tokens: their text, who may create and revoke them, and what the history tells."""

import json
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from api.actions.manage_tokens import CannotCreateToken, NewToken, create_token, remove_ended, revoke_token
from api.models import ApiToken
from api.token_text import PREFIX, is_token, new_token
from core.redaction import clean
from history.models import Event
from history.record import Actor
from tests.factories import ConnectionFactory, make_person, make_token

VIEW, TEST = "connections.view_connection", "connections.test_connection"
BY = Actor("ann")


def created(owner: User, **more: object) -> tuple[ApiToken, str]:
    wanted = {"name": "Terraform", "permissions": [VIEW], "days": 30} | more
    token, secret = create_token(NewToken(**wanted), owner=owner, by=BY, now=timezone.now())  # type: ignore[arg-type]
    return token, secret.reveal()


@pytest.fixture
def ann(db: None) -> User:
    return make_person("ann", VIEW)


def test_a_token_has_a_prefix_and_a_checksum() -> None:
    secret = new_token().reveal()
    assert re.fullmatch(r"mfeo_[0-9A-Za-z]{46}", secret)
    assert is_token(secret)
    last = "A" if secret[-1] != "A" else "B"
    assert not is_token(secret[:-1] + last)
    assert not is_token(PREFIX)


def test_logs_never_show_a_token() -> None:
    secret = new_token().reveal()
    assert secret[10:] not in clean(f"GET /?token={secret}&x=1 (x{secret}x)")


def test_only_a_digest_is_stored(ann: User) -> None:
    token, secret = created(ann)
    assert secret not in repr(vars(token))
    assert len(token.digest) == 64
    assert token.expires_at - token.created_at == timedelta(days=30)


def test_creating_and_revoking_are_events(ann: User) -> None:
    token, _ = created(ann)
    assert revoke_token(token, by=BY, now=timezone.now())
    assert not revoke_token(token, by=BY, now=timezone.now())
    events = [(event.kind, event.subject_name, event.detail["owner"]) for event in Event.objects.order_by("pk")]
    assert events == [("api_token.created", "Terraform", "ann"), ("api_token.revoked", "Terraform", "ann")]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"name": " "}, "name_missing"),
        ({"name": "x" * 61}, "name_too_long"),
        ({"name": "a\u200bb"}, "name_invisible"),
        ({"days": 0}, "life_out_of_range"),
        ({"days": 366}, "life_out_of_range"),
        ({"permissions": []}, "permissions_missing"),
        ({"permissions": [TEST]}, "permission_not_yours"),
        ({"permissions": ["people.manage_people"]}, "permission_unknown"),
        ({"connections": [12345]}, "connection_unknown"),
    ],
)
def test_what_no_token_can_have_is_refused(ann: User, wanted: dict[str, object], code: str) -> None:
    with pytest.raises(CannotCreateToken) as refused:
        created(ann, **wanted)
    assert refused.value.code == code
    assert not ApiToken.objects.exists()
    assert not Event.objects.exists()


def test_a_name_is_taken_until_its_token_is_revoked(ann: User) -> None:
    token, _ = created(ann)
    with pytest.raises(CannotCreateToken, match="have a token of this name"):
        created(ann, name="terraform")
    revoke_token(token, by=BY, now=timezone.now())
    created(ann, name="terraform")


def test_tokens_that_ended_long_ago_are_removed(ann: User) -> None:
    now = timezone.now()
    old, recent = make_token(ann)[0], make_token(ann)[0]
    ApiToken.objects.filter(pk=old.pk).update(expires_at=now - timedelta(days=91))
    ApiToken.objects.filter(pk=recent.pk).update(revoked_at=now - timedelta(days=89))
    assert remove_ended(now=now) == 1
    assert list(ApiToken.objects.all()) == [recent]


def test_the_page_shows_a_new_token_once(client: Client, ann: User) -> None:
    client.force_login(ann)
    connection = ConnectionFactory.create(name="Acme main")
    form = {"name": "CI", "permissions": [VIEW], "days": "90", "connections": "acme MAIN\n"}
    page = client.post(reverse("api:tokens"), form).content.decode()
    found = re.search(r"mfeo_\w{46}", page)
    assert found
    assert is_token(found[0])
    token = ApiToken.objects.get()
    assert list(token.connections.all()) == [connection]
    assert not token.all_connections
    assert found[0] not in client.get(reverse("api:tokens")).content.decode()


def test_the_page_offers_only_what_the_person_may_do(client: Client, ann: User) -> None:
    client.force_login(ann)
    page = client.get(reverse("api:tokens")).content.decode()
    assert f'value="{VIEW}"' in page
    assert f'value="{TEST}"' not in page
    page = client.post(reverse("api:tokens"), {"name": "CI", "permissions": [TEST], "days": "90"}).content.decode()
    assert not ApiToken.objects.exists()
    assert "Select a valid choice" in page


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("connections", "Nothing", "No connection is called “Nothing”."),
        ("connections", "x\n" * 101, "Name at most 100 connections."),
        ("name", "a\u200bb", "invisible character"),
        ("days", "400", "Select a valid choice"),
    ],
)
def test_the_page_says_what_is_wrong(client: Client, ann: User, field: str, value: str, words: str) -> None:
    client.force_login(ann)
    form = {"name": "CI", "permissions": [VIEW], "days": "90"} | {field: value}
    assert words in client.post(reverse("api:tokens"), form).content.decode()
    assert not ApiToken.objects.exists()


def test_people_revoke_their_own_tokens(client: Client, ann: User) -> None:
    client.force_login(ann)
    token, _ = make_token(ann, VIEW)
    address = reverse("api:revoke-token", args=[token.pk])
    assert f'href="{address}"' in client.get(reverse("api:tokens")).content.decode()
    question = client.get(address).content.decode()
    assert f"Revoke {token.name}?" in question
    assert "stop working immediately" in question
    token.refresh_from_db()
    assert token.revoked_at is None
    page = client.post(address, follow=True).content.decode()
    assert "is revoked" in page
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_administrators_see_and_revoke_everyones(client: Client, ann: User) -> None:
    client.force_login(make_person("root", staff=True))
    token, _ = make_token(ann, VIEW)
    assert token.name in client.get(reverse("api:all-tokens")).content.decode()
    client.post(reverse("api:revoke-token", args=[token.pk]))
    assert Event.objects.get(kind="api_token.revoked").actor_name == "root"


def run(*words: str) -> str:
    said = StringIO()
    call_command("api_tokens", *words, stdout=said, stderr=said)
    return said.getvalue()


def test_the_command_creates_lists_and_revokes(ann: User) -> None:
    ConnectionFactory.create(name="Acme main")
    words = ["create", "CI", "--owner", "ann", "--permission", VIEW, "--connection", "acme main", "--days", "7"]
    assert is_token(run(*words).strip())
    token = ApiToken.objects.get()
    assert "CI" in run("list")
    (row,) = json.loads(run("list", "--json"))
    assert (row["owner"], row["state"], row["permissions"]) == ("ann", "active", [VIEW])
    assert json.loads(run("revoke", str(token.pk), "--json")) == {"id": token.pk, "state": "revoked"}
    assert Event.objects.get(kind="api_token.revoked").actor_name == "command line"
    assert is_token(json.loads(run(*words, "--json"))["token"])


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (["create", "CI", "--owner", "nobody"], "no active user named nobody", 2),
        (["create", "CI", "--owner", "ann"], "Choose at least one permission", 1),
        (["create", "CI", "--owner", "ann", "--permission", TEST], "does not include", 1),
        (["create", "CI", "--owner", "ann", "--connection", "x"], "no connection named x", 1),
        (["revoke", "99"], "no token with this id", 1),
        (["revoke", str(10**30)], "no token with this id", 1),
    ],
)
def test_the_command_says_what_is_wrong(ann: User, words: list[str], said: str, code: int) -> None:
    with pytest.raises(CommandError, match=said) as refused:
        run(*words)
    assert refused.value.returncode == code


def test_the_command_says_it_in_json_too(ann: User) -> None:
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("api_tokens", "create", "CI", "--owner", "ann", "--json", stdout=said)
    assert ended.value.code == 1
    assert json.loads(said.getvalue())["problem"] == "permissions_missing"
