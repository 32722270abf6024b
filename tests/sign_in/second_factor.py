"""The second factor: a real code lets in, and nothing else does."""

import re
from collections.abc import Callable, Iterator

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_resolver, reverse
from pytest_django import Settings

from connections.actions.reencrypt import reencrypt_all
from connections.views.first_steps import first_steps
from history.models import Event
from tests.leaks import everything_stored
from tests.sign_in.codes import STEP, add_app, code_of, confirm
from tests.test_who_may_do_what import names, table

NEW = "bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleS1uZXc="
SignIn = Callable[[Client], str]


@pytest.fixture
def clock() -> Iterator[Callable[[], None]]:
    """Goes to the next half minute each time it is called, so that there is another code."""
    with time_machine.travel("2026-11-24T12:00:00+00:00", tick=False) as traveller:
        yield lambda: traveller.shift(STEP)


@pytest.fixture
def secret(client: Client, sign_in: SignIn, clock: Callable[[], None]) -> str:
    """Somebody who has an authenticator app, and is signed out again."""
    assert sign_in(client) == reverse("connections:list")
    made = add_app(client)
    client.post(reverse("logout"))
    clock()
    return made


def give(client: Client, code: str) -> str:
    return client.post(reverse("mfa_authenticate"), {"code": code}, follow=True).content.decode()


def is_in(client: Client) -> bool:
    return client.get(reverse("people:account")).status_code == 200


def kinds() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("kind", flat=True))


def test_a_password_alone_does_not_let_in(client: Client, secret: str, sign_in: SignIn) -> None:
    assert sign_in(client) == reverse("mfa_authenticate")
    assert not is_in(client)
    assert "recovery codes" in client.get(reverse("mfa_authenticate")).content.decode()


def test_the_code_of_this_half_minute_lets_in(client: Client, secret: str, sign_in: SignIn) -> None:
    sign_in(client)
    give(client, code_of(secret))
    assert is_in(client)
    assert kinds()[-1] == "person.signed_in"


def test_the_code_that_added_the_app_does_not_sign_in(
    client: Client, sign_in: SignIn, clock: Callable[[], None]
) -> None:
    sign_in(client)
    code = code_of(add_app(client))
    client.post(reverse("logout"))
    sign_in(client)
    assert "was used before" in give(client, code)
    assert not is_in(client)


def test_where_somebody_wanted_to_go_is_where_they_arrive(client: Client, secret: str, maya: User) -> None:
    from tests.sign_in.conftest import PASSWORD

    data = {"username": maya.username, "password": PASSWORD, "next": reverse("people:account")}
    client.post(reverse("login"), data)
    answer = client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert answer.headers["Location"] == reverse("people:account")


def test_a_wrong_code_is_refused_and_in_the_history(client: Client, secret: str, sign_in: SignIn) -> None:
    sign_in(client)
    wrong = f"{(int(code_of(secret)) + 1) % 10**6:06}"
    assert "This code is incorrect" in give(client, wrong)
    assert not is_in(client)
    last = Event.objects.latest("pk")
    assert (last.kind, last.detail["reason"]) == ("person.sign_in_refused", "code")


def test_a_code_is_good_once(client: Client, secret: str, sign_in: SignIn) -> None:
    code = code_of(secret)
    sign_in(client)
    give(client, code)
    other = Client()
    sign_in(other)
    assert "was used before" in give(other, code)
    assert not is_in(other)


def test_a_code_is_good_once_also_where_another_process_saw_it(client: Client, secret: str, sign_in: SignIn) -> None:
    from django.core.cache import cache

    code = code_of(secret)
    sign_in(client)
    give(client, code)
    # As in a process that has a cache of its own.
    cache.clear()
    other = Client()
    sign_in(other)
    assert "was used before" in give(other, code)


@pytest.mark.parametrize("written", ["{} {}", "{}-{}", "{}{}."])
def test_a_code_is_good_once_however_it_is_written(client: Client, secret: str, sign_in: SignIn, written: str) -> None:
    from django.core.cache import cache

    code = code_of(secret)
    sign_in(client)
    give(client, code)
    cache.clear()
    other = Client()
    sign_in(other)
    assert "was used before" in give(other, written.format(code[:3], code[3:]))
    assert not is_in(other)


def test_codes_are_tried_only_so_often(client: Client, secret: str, sign_in: SignIn, settings: Settings) -> None:
    settings.SIGN_IN_ATTEMPTS = 3
    sign_in(client)
    for number in range(3):
        give(client, f"00000{number}")
    assert "Too many attempts" in give(client, code_of(secret))
    assert not is_in(client)


def test_a_recovery_code_lets_in_once(client: Client, secret: str, sign_in: SignIn, clock: Callable[[], None]) -> None:
    sign_in(client)
    give(client, code_of(secret))
    page = confirm(client, "mfa_view_recovery_codes")
    code = re.findall(r"<li>(\w+)</li>", page)[0]
    client.post(reverse("logout"))
    sign_in(client)
    give(client, code)
    assert is_in(client)
    client.post(reverse("logout"))
    sign_in(client)
    give(client, code)
    assert not is_in(client)


def test_it_can_be_removed_and_both_are_in_the_history(
    client: Client, secret: str, sign_in: SignIn, clock: Callable[[], None]
) -> None:
    sign_in(client)
    give(client, code_of(secret))
    clock()
    client.post(reverse("mfa_reauthenticate"), {"code": code_of(secret)})
    client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    assert {"person.second_factor_added", "person.second_factor_removed"} <= set(kinds())
    client.post(reverse("logout"))
    assert sign_in(client) == reverse("connections:list")


def test_an_unlocked_machine_is_not_enough_to_remove_it(client: Client, secret: str, sign_in: SignIn) -> None:
    sign_in(client)
    give(client, code_of(secret))
    answer = client.post(reverse("mfa_deactivate_totp"))
    assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert Authenticator.objects.exists()


def test_strangers_do_not_refuse_the_password_asked_for_again(
    client: Client, maya: User, sign_in: SignIn, clock: Callable[[], None], settings: Settings
) -> None:
    settings.SIGN_IN_ATTEMPTS = 3
    sign_in(client)
    for _ in range(12):
        Client().post(reverse("login"), {"username": maya.username, "password": "wrong"})
    wrong, right = (
        client.post(reverse("account_reauthenticate"), {"password": password}).status_code
        for password in ("wrong", "a-long-enough-password-4-tests")
    )
    assert (wrong, right) == (200, 302)


def test_what_is_kept_is_sealed(secret: str) -> None:
    assert secret.encode() not in everything_stored()


def test_new_keys_seal_it_too(client: Client, secret: str, sign_in: SignIn, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, *settings.FIELD_ENCRYPTION_KEYS]
    assert reencrypt_all(progress=lambda *_: None).resealed == 2
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    sign_in(client)
    give(client, code_of(secret))
    assert is_in(client)


def test_a_lost_key_says_so(client: Client, secret: str, sign_in: SignIn, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert "maya@contoso.example's second factor" in reencrypt_all(progress=lambda *_: None).unreadable
    sign_in(client)
    assert "be decrypted with any current key" in give(client, code_of(secret))
    assert not is_in(client)


def test_roles_hold(client: Client, secret: str, sign_in: SignIn) -> None:
    sign_in(client)
    give(client, code_of(secret))
    assert client.get(reverse("connections:list")).status_code == 200
    assert client.get(reverse("people:list")).status_code == 403


# Each new address, and what a stranger and somebody who is signed in without a second factor get.
MAY = """
account_login               | 302 302
mfa_authenticate            | 302 302
account_reauthenticate      | 302 200
mfa_reauthenticate          | 302 302
mfa_index                   | 302 200
mfa_activate_totp           | 302 302
mfa_deactivate_totp         | 302 404
mfa_view_recovery_codes     | 302 404
mfa_generate_recovery_codes | 302 302
openid_connect_login        | 404 404
openid_connect_callback     | 404 404
"""


def test_every_new_address_is_in_the_table_and_answers_as_it_says(client: Client, sign_in: SignIn) -> None:
    rows = {name.strip(): cells.split() for name, cells in (line.split("|") for line in MAY.strip().splitlines())}
    known = {name for name, _ in table()}
    there = {name for name in names(get_resolver().url_patterns) if name not in known and not name.startswith("admin:")}
    assert there == rows.keys()
    addresses = {name: reverse(name, args=["x"] if name.startswith("openid") else []) for name in rows}
    found = {name: [str(client.get(address).status_code)] for name, address in addresses.items()}
    sign_in(client)
    for name, address in addresses.items():
        found[name].append(str(client.get(address).status_code))
    assert found == rows


def test_pages_are_in_our_look_and_under_our_policy(client: Client, sign_in: SignIn) -> None:
    sign_in(client)
    pages = [confirm(client, "mfa_activate_totp"), client.get(reverse("mfa_index")).content.decode()]
    for page in pages:
        assert 'class="brand"' in page
        assert not re.search(r"\sstyle=|<style|<script(?![^>]*\bsrc=)|data:image", page)
    assert "<svg" in pages[0]


def test_the_first_steps_know_whether_an_administrator_has_one(client: Client, secret: str, maya: User) -> None:
    User.objects.filter(pk=maya.pk).update(is_superuser=True)
    administrator = User.objects.get(pk=maya.pk)
    done = {step.label: step.is_done for step in first_steps(administrator, has_connections=True)}
    assert done["Add a second factor"]
    Authenticator.objects.filter(user=maya).delete()
    done = {step.label: step.is_done for step in first_steps(administrator, has_connections=True)}
    assert not done["Add a second factor"]
