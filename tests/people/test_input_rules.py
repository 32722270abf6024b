"""What may be entered about a person, through whichever way in; and people who are removed meanwhile."""

from collections.abc import Callable, Iterator
from io import StringIO
from unittest.mock import patch

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions.refusals import CannotChange
from connections.actions.transfer_ownership import transfer_ownership
from connections.input_rules import InvalidInput
from connections.models import Connection, RegisterEntry
from history.models import Event
from history.record import Actor
from people import input_rules, roles
from people.actions import manage_people
from people.actions.hand_over import hand_over
from people.actions.manage_people import Details, NewPerson, PersonGone, Refused
from tests.factories import ConnectionFactory, make_entry
from tests.people.conftest import PASSWORD, sign_in, with_role

pytestmark = pytest.mark.django_db
ENTRA_NAMES = [
    "o'brien@contoso.example",
    "olga_contoso.example#EXT#@tenant.example",
    "a!b#c^d~e@contoso.example",
    "Zoë.Müller",
]
WRONG_NAMES = [
    ("", "username_missing"),
    (" ", "username_missing"),
    ("a b", "username_invalid"),
    ("nora\n.new", "username_invalid"),
    ("nora\x1b[31m", "username_invalid"),
    ("no\u202era", "username_invalid"),
    ("nora;drop", "username_invalid"),
    ("o\u2019brien@contoso.example", "username_invalid"),
    ("n" * 151, "username_too_long"),
]


@pytest.fixture
def pages(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def new(username: str = "nora", **more: str) -> NewPerson:
    details = {"first_name": "", "last_name": "", "email": "", "role": "Viewer"} | more
    return NewPerson(username=username, **details)


@pytest.mark.parametrize("name", ENTRA_NAMES)
def test_a_name_that_entra_allows_is_added_on_the_page_and_signs_in(pages: Client, name: str) -> None:
    pages.post(reverse("people:add"), {"username": name, "role": "Viewer"})
    user = User.objects.get(username=name)
    user.set_password(PASSWORD)
    user.save()
    assert sign_in(Client(), name).status_code == 302
    assert pages.get(reverse("people:person", args=[user.pk])).status_code == 200
    assert pages.get(reverse("people:list"), {"q": name}).status_code == 200


@pytest.mark.parametrize("name", ENTRA_NAMES)
def test_djangos_own_admin_and_commands_take_it_too(name: str) -> None:
    User(username=name, password="x").full_clean()
    with patch.dict("os.environ", {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}):
        call_command("createsuperuser", "--noinput", f"--username={name}", "--email=", stdout=StringIO())
    assert User.objects.get().username == name


def test_djangos_own_fields_still_refuse_what_the_page_refuses() -> None:
    for name in ("a b", "nora;drop", "n" * 151, ""):
        with pytest.raises(ValidationError):
            User(username=name, password="x").full_clean()


@pytest.mark.parametrize("name", ENTRA_NAMES)
def test_the_command_makes_an_administrator_of_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(PASSWORD + "\n"))
    call_command("create_administrator", name, stdout=StringIO())
    assert User.objects.get().username == name


@pytest.mark.parametrize(("name", "code"), WRONG_NAMES)
def test_no_way_in_takes_another_name(admin: User, monkeypatch: pytest.MonkeyPatch, name: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        manage_people.add(new(name), by=admin)
    assert (refused.value.code, refused.value.field) == (code, "username")
    monkeypatch.setattr("sys.stdin", StringIO(PASSWORD + "\n"))
    with pytest.raises(CommandError):
        call_command("create_administrator", name, stdout=StringIO())
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"first_name": "No\nra"}, "person_name_invisible", "first_name"),
        ({"last_name": "New\u202e"}, "person_name_invisible", "last_name"),
        ({"last_name": "x" * 151}, "person_name_too_long", "last_name"),
        ({"email": "nobody"}, "email_invalid", "email"),
        ({"email": "a@example.com\nb@example.com"}, "email_invalid", "email"),
        ({"role": "Emperor"}, "role_unknown", "role"),
    ],
)
def test_the_action_that_adds_refuses_what_its_form_refuses(
    admin: User, more: dict[str, str], code: str, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        manage_people.add(new(**more), by=admin)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_a_name_in_other_capitals_is_taken_for_the_action_too(admin: User) -> None:
    with pytest.raises(Refused) as refused:
        manage_people.add(new("ADAM"), by=admin)
    assert refused.value.code == "username_taken"


def test_details_are_held_to_the_same_rules(admin: User, ann: User) -> None:
    for details in (Details("A\x1bnn", "", ""), Details("", "", "nobody")):
        with pytest.raises(Refused):
            manage_people.change_details(ann, details, by=admin)
    with pytest.raises(Refused):
        manage_people.change_own_address(ann, "nobody")
    manage_people.change_details(ann, Details(" Ann ", "O\u2019Neill", ""), by=admin)
    assert User.objects.get(pk=ann.pk).get_full_name() == "Ann O\u2019Neill"


def test_joiners_of_letters_are_part_of_a_name() -> None:
    name = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert input_rules.person_name(name, field="first_name") == name
    with pytest.raises(InvalidInput):
        input_rules.person_name("a\u200eb", field="first_name")


ACTS: dict[str, Callable[[User, User], object]] = {
    "details": lambda user, by: manage_people.change_details(user, Details("A", "B", ""), by=by),
    "own address": lambda user, _by: manage_people.change_own_address(user, "a@example.com"),
    "link": lambda user, by: manage_people.password_link(user, by=by),
    "role": lambda user, by: manage_people.change_role(user, "Operator", by=by),
    "no role": lambda user, by: manage_people.change_role(user, "", by=by),
    "inactive": lambda user, by: manage_people.set_active(user, active=False, by=by),
    "active": lambda user, by: manage_people.set_active(user, active=True, by=by),
}


@pytest.mark.parametrize("act", ACTS)
def test_somebody_who_was_removed_meanwhile_is_a_refusal_with_its_code(admin: User, ann: User, act: str) -> None:
    stale = User.objects.get(pk=ann.pk)
    ann.delete()
    known = Event.objects.count()
    with pytest.raises(PersonGone) as gone:
        ACTS[act](stale, admin)
    assert gone.value.code == "person_gone"
    assert Event.objects.count() == known


@pytest.mark.parametrize("name", ["details", "role", "standing", "password-link"])
def test_a_page_says_so_also_when_it_happens_under_its_hands(pages: Client, ann: User, name: str) -> None:
    stale = User.objects.get(pk=ann.pk)
    ann.delete()
    with patch("people.views.people._find", return_value=stale):
        answer = pages.post(reverse(f"people:{name}", args=[stale.pk]), {"role": "Operator", "active": "0"})
    assert answer.status_code == 404
    assert "Person not found" in answer.content.decode()
    assert pages.get(reverse("people:person", args=[stale.pk])).status_code == 404


def test_what_an_old_object_says_is_neither_written_nor_told(admin: User, ann: User) -> None:
    stale = User.objects.get(pk=ann.pk)
    manage_people.set_active(ann, active=False, by=admin)
    known = Event.objects.count()
    manage_people.change_details(stale, Details("Ann", "", "new@example.com"), by=admin)
    assert User.objects.get(pk=ann.pk).is_active is False
    (event,) = Event.objects.order_by("pk")[known:]
    assert set(event.detail) == {"email"}


def test_an_old_object_does_not_keep_somebody_active(admin: User, ann: User) -> None:
    stale = User.objects.get(pk=ann.pk)
    manage_people.set_active(ann, active=False, by=admin)
    assert manage_people.set_active(stale, active=True, by=admin) is True
    assert User.objects.get(pk=ann.pk).is_active is True


def test_the_role_is_judged_as_it_is_now(admin: User, ann: User) -> None:
    stale = User.objects.prefetch_related("groups").get(pk=ann.pk)
    roles.role_of(stale)
    manage_people.change_role(ann, "Operator", by=admin)
    assert manage_people.change_role(stale, "Viewer", by=admin) is True
    assert list(Group.objects.filter(user=ann).values_list("name", flat=True)) == ["Viewer"]


@pytest.mark.parametrize("how", ["removed", "inactive"])
def test_connections_are_not_given_to_somebody_who_left_meanwhile(ann: User, admin: User, how: str) -> None:
    connection = ConnectionFactory.create(owner=admin)
    to = User.objects.get(pk=ann.pk)
    _leave(ann, how)
    with pytest.raises(CannotChange) as refused:
        transfer_ownership([connection], to=to, by=Actor("test"), now=timezone.now())
    assert refused.value.code == "owner_gone"
    assert Connection.objects.get().owner == admin


def test_it_says_how_many_were_handed_over_before_the_new_owner_left(ann: User, admin: User) -> None:
    connections = ConnectionFactory.create_batch(2, owner=admin)
    entry = make_entry(owner=admin)

    def entries_after_leaving() -> Iterator[RegisterEntry]:
        _leave(ann, "inactive")
        yield entry

    with pytest.raises(CannotChange) as refused:
        hand_over(connections, entries_after_leaving(), to=ann, by=Actor("test"), now=timezone.now())
    assert refused.value.message.endswith("Choose someone else. Handed over before that: 2.")
    assert Connection.objects.filter(owner=ann).count() == 2


def test_it_counts_the_batches_before(ann: User, admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connections.actions.transfer_ownership.BATCH", 1)
    first, second = ConnectionFactory.create_batch(2, owner=admin)

    def leaving_after_the_first() -> Iterator[Connection]:
        yield first
        _leave(ann, "inactive")
        yield second

    with pytest.raises(CannotChange) as refused:
        hand_over(leaving_after_the_first(), [], to=ann, by=Actor("test"), now=timezone.now())
    assert refused.value.message.endswith("Handed over before that: 1.")


def _leave(user: User, how: str) -> None:
    if how == "removed":
        user.delete()
    else:
        User.objects.filter(pk=user.pk).update(is_active=False)


def test_the_page_of_handing_over_says_so(pages: Client, ann: User, admin: User) -> None:
    heir = with_role("heidi", "Maintainer")
    connection = ConnectionFactory.create(owner=ann)
    original: Callable[..., object] = transfer_ownership

    def leave_and_hand_over(*given: object, **more: object) -> object:
        User.objects.filter(pk=heir.pk).update(is_active=False)
        return original(*given, **more)

    with patch("people.actions.hand_over.transfer_ownership", leave_and_hand_over):
        data = {"to": heir.pk, "connections": [connection.pk]}
        page = pages.post(reverse("people:hand-over", args=[ann.pk]), data)
    assert "removed or deactivated in the meantime" in page.content.decode()
