"""People: an administrator adds them, gives roles, takes them away, and hands over what they leave behind."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from connections.models import Connection, RegisterEntry
from history.models import Event
from people import roles
from people.models import Session
from tests.factories import ConnectionFactory, make_entry, make_person
from tests.people.conftest import PASSWORD, sign_in, with_role

LINK = re.compile(r"http://127\.0\.0\.1:8000(/password/choose/[^<\s]+)")


@pytest.fixture
def pages(client: Client, admin: User) -> Client:
    """The administrator's browser."""
    client.force_login(admin)
    return client


def post(pages: Client, name: str, user: User | None = None, /, **data: Any) -> str:
    arguments = [user.pk] if user else []
    return pages.post(reverse(f"people:{name}", args=arguments), data, follow=True).content.decode()


def events() -> list[tuple[str, str]]:
    return [(event.kind, event.subject_name) for event in Event.objects.order_by("pk")]


def test_a_person_is_added_with_a_role_and_chooses_the_password(pages: Client) -> None:
    data = {"username": "nora", "first_name": "Nora", "last_name": "New", "email": "nora@example.com"}
    page = post(pages, "add", **data, role="Operator")
    nora = User.objects.get(username="nora")
    assert roles.role_of(nora) == "Operator"
    assert not nora.has_usable_password()
    link = LINK.search(page)
    assert link is not None
    stranger = Client()
    chosen = stranger.get(link[1], follow=True)
    address = chosen.redirect_chain[-1][0]
    stranger.post(address, {"new_password1": PASSWORD, "new_password2": PASSWORD}, REMOTE_ADDR="192.0.2.9")
    assert sign_in(stranger, "nora").status_code == 302
    changed = Event.objects.get(kind="person.password_changed")
    assert (changed.actor_name, changed.address) == ("password link", "192.0.2.9")


def test_a_link_is_good_once_and_is_in_no_event(pages: Client, ann: User) -> None:
    link = LINK.search(post(pages, "password-link", ann))
    assert link is not None
    stranger = Client()
    address = stranger.get(link[1], follow=True).redirect_chain[-1][0]
    stranger.post(address, {"new_password1": PASSWORD + "x", "new_password2": PASSWORD + "x"})
    assert "This link has expired" in Client().get(link[1], follow=True).content.decode()
    assert not any(link[1] in repr(vars(event)) for event in Event.objects.all())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"username": "", "role": "Viewer"}, "This field is required."),
        ({"username": "ADAM", "role": "Viewer"}, "This username is taken."),
        ({"username": "a b", "role": "Viewer"}, "Enter a valid username."),
        ({"username": "nora", "role": ""}, "Choose a role."),
        ({"username": "nora", "role": "Emperor"}, "Select a valid choice."),
        ({"username": "nora", "role": "Viewer", "email": "x"}, "Enter a valid email address."),
    ],
)
def test_a_mistake_is_said_beside_its_field(pages: Client, data: dict[str, str], words: str) -> None:
    assert words in post(pages, "add", **data)
    assert not User.objects.filter(username="nora").exists()


def test_a_role_is_changed_and_both_sides_are_told(pages: Client, ann: User) -> None:
    assert "ann now has the role Maintainer." in post(pages, "role", ann, role="Maintainer")
    assert roles.role_of(User.objects.get(pk=ann.pk)) == "Maintainer"
    details = [event.detail for event in Event.objects.filter(kind="person.permissions_changed").order_by("pk")]
    assert details == [{"what": "roles", "removed": ["Viewer"]}, {"what": "roles", "added": ["Maintainer"]}]
    assert Event.objects.filter(actor_name="adam").count() == 2


def test_a_role_can_be_taken_away(pages: Client, ann: User) -> None:
    assert "ann now has no role." in post(pages, "role", ann, role="")
    assert roles.role_of(User.objects.get(pk=ann.pk)) == ""


def test_giving_the_same_role_again_changes_nothing(pages: Client, ann: User) -> None:
    assert "Nothing changed." in post(pages, "role", ann, role="Viewer")
    assert events() == []


def test_an_administrator_gets_and_loses_djangos_admin_with_the_role(pages: Client, ann: User) -> None:
    post(pages, "role", ann, role="Administrator")
    assert User.objects.get(pk=ann.pk).is_staff
    post(pages, "role", ann, role="Viewer")
    assert not User.objects.get(pk=ann.pk).is_staff


def test_nobody_changes_themselves(pages: Client, admin: User) -> None:
    with_role("other", "Administrator")
    for name, data in (("role", {"role": "Viewer"}), ("standing", {"active": "0"}), ("password-link", {})):
        assert "Ask another administrator." in post(pages, name, admin, **data)
    admin.refresh_from_db()
    assert (admin.is_active, roles.role_of(admin)) == (True, "Administrator")


def test_only_a_superuser_touches_a_superuser(pages: Client) -> None:
    root = make_person("root", staff=True)
    for name, data in (("standing", {"active": "0"}), ("password-link", {})):
        assert "Only a superuser can change a superuser." in post(pages, name, root, **data)
    assert User.objects.get(pk=root.pk).is_active


def test_who_may_only_manage_people_cannot_become_an_administrator(client: Client, admin: User) -> None:
    with_role("second", "Administrator")
    manager = with_role("mia", "Viewer")
    manager.user_permissions.add(Permission.objects.get(codename="manage_people"))
    client.force_login(manager)
    changes = {"role": {"role": "Viewer"}, "standing": {"active": "0"}, "password-link": {}, "details": {"email": ""}}
    for name, data in changes.items():
        assert "Only an administrator can change an administrator." in post(client, name, admin, **data)
    admin.refresh_from_db()
    assert (admin.is_active, roles.role_of(admin), admin.email) == (True, "Administrator", "adam@example.com")
    assert "/password/" not in post(client, "password-link", admin)
    assert "/password/" in post(client, "password-link", with_role("vera", "Viewer"))


def test_the_last_administrator_stays(client: Client, admin: User) -> None:
    root = make_person("root", staff=True)
    client.force_login(root)
    post(client, "standing", admin, active="0")
    User.objects.filter(pk=admin.pk).update(is_active=True)
    # The superuser is away: only one administrator is left.
    client.force_login(with_role("second", "Administrator"))
    User.objects.filter(pk=root.pk).update(is_active=False)
    assert "is now inactive" in post(client, "standing", admin, active="0")
    assert roles.administrators() == {User.objects.get(username="second").pk}


def test_making_somebody_inactive_signs_them_out_at_once(pages: Client, ann: User) -> None:
    browser = Client()
    sign_in(browser, "ann")
    page = post(pages, "standing", ann, active="0")
    assert "ann is now inactive and signed out everywhere." in page
    assert browser.get(reverse("people:account")).status_code == 302
    assert not Session.objects.filter(user_id=ann.pk).exists()
    post(pages, "standing", ann, active="1")
    assert browser.get(reverse("people:account")).status_code == 302


def test_an_inactive_person_gets_no_link(pages: Client, ann: User) -> None:
    post(pages, "standing", ann, active="0")
    assert "This person is inactive" in post(pages, "password-link", ann)


def test_an_administrator_signs_somebody_out(pages: Client, ann: User) -> None:
    browser = Client()
    sign_in(browser, "ann")
    assert "Ended 1 session of ann." in post(pages, "sign-out", ann)
    assert browser.get(reverse("people:account")).status_code == 302


@pytest.fixture
def leaving() -> User:
    """Somebody inactive who owns two connections."""
    user = with_role("leo", "Maintainer")
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.refresh_from_db()
    ConnectionFactory.create(name="Acme main", owner=user)
    ConnectionFactory.create(name="Acme docs", owner=user)
    return user


def test_what_a_person_leaves_behind_is_an_alert(pages: Client, leaving: User) -> None:
    page = pages.get(reverse("people:list")).content.decode()
    assert "1 inactive person owns connections or credentials" in page
    assert "leo" in pages.get(reverse("people:list"), {"state": "leaving"}).content.decode()
    shown = pages.get(reverse("people:person", args=[leaving.pk])).content.decode()
    assert "inactive and owns 2 connections" in shown
    connections = pages.get(reverse("connections:list")).content.decode()
    assert "<strong>2</strong> owner inactive" in connections
    assert connections.count("no longer active") == 2
    found = pages.get(reverse("connections:list"), {"status": "owner_left"}).content.decode()
    assert found.count("no longer active") == 2


def test_connections_are_handed_over_and_each_is_an_event(pages: Client, leaving: User, ann: User) -> None:
    heir = with_role("hera", "Maintainer", first_name="Hera", last_name="Heir")
    docs = Connection.objects.get(name="Acme docs")
    page = post(pages, "hand-over", leaving, to=heir.pk, connections=[docs.pk])
    assert "1 connection now belongs to Hera Heir." in page
    assert [one.owner.username for one in Connection.objects.order_by("name")] == ["hera", "leo"]
    event = Event.objects.get(kind="connection.handed_over")
    assert (event.subject_name, event.actor_name) == ("Acme docs", "adam")
    assert event.detail == {"before": "leo", "after": "Hera Heir"}


def test_only_those_who_can_look_after_a_connection_may_take_it(pages: Client, leaving: User, ann: User) -> None:
    mine = Connection.objects.get(name="Acme docs")
    page = post(pages, "hand-over", leaving, to=ann.pk, connections=[mine.pk])
    assert "Select a valid choice." in page
    assert "Choose the new owner." in post(pages, "hand-over", leaving, connections=[mine.pk])
    assert "Choose at least one." in post(pages, "hand-over", leaving, to="")


def test_somebody_elses_connection_is_not_handed_over_here(pages: Client, leaving: User, ann: User) -> None:
    heir, other = with_role("hera", "Maintainer"), ConnectionFactory.create(name="Other", owner=ann)
    post(pages, "hand-over", leaving, to=heir.pk, connections=[other.pk])
    other.refresh_from_db()
    assert other.owner == ann


def test_everything_is_handed_over_with_the_entries_of_the_register(pages: Client, leaving: User) -> None:
    heir = with_role("hera", "Maintainer")
    make_entry("Shop key", owner=leaving)
    other = make_entry("Other key")
    page = post(pages, "hand-over", leaving, to=heir.pk, which="all")
    assert "2 connections and 1 credential now belong to hera." in page
    assert {entry.name: entry.owner.username for entry in RegisterEntry.objects.all()} == {
        "Shop key": "hera",
        "Other key": other.owner.username,
    }
    kinds = Event.objects.filter(kind__endswith=".handed_over").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["connection.handed_over", "connection.handed_over", "register.handed_over"]
    assert "owns no connections and no credentials" in page


def test_all_that_a_search_found_is_handed_over(pages: Client, leaving: User) -> None:
    heir = with_role("hera", "Maintainer")
    make_entry("Key of the docs", owner=leaving)
    found = pages.get(reverse("people:person", args=[leaving.pk]), {"q": "docs"}).content.decode()
    assert "Hand over all 2 that the search found" in found
    post(pages, "hand-over", leaving, to=heir.pk, which="all", q="docs")
    assert list(Connection.objects.filter(owner=heir).values_list("name", flat=True)) == ["Acme docs"]
    assert list(RegisterEntry.objects.filter(owner=heir).values_list("name", flat=True)) == ["Key of the docs"]


def test_a_ticked_entry_alone_is_handed_over(pages: Client, leaving: User) -> None:
    heir, entry = with_role("hera", "Maintainer"), make_entry(owner=leaving)
    assert "1 credential now belongs to hera." in post(pages, "hand-over", leaving, to=heir.pk, entries=[entry.pk])
    assert not Connection.objects.filter(owner=heir).exists()


def test_what_was_ticked_stays_ticked_when_the_owner_is_missing(pages: Client, leaving: User) -> None:
    docs = Connection.objects.get(name="Acme docs")
    page = post(pages, "hand-over", leaving, connections=[docs.pk])
    assert f'name="connections" value="{docs.pk}" checked' in page
    assert page.count(" checked") == 1


def test_an_inactive_owner_of_entries_alone_is_an_alert(pages: Client) -> None:
    left = with_role("leo", "Maintainer", is_active=False)
    assert "still an owner" in pages.get(reverse("people:list")).content.decode()
    assert "inactive person owns" not in pages.get(reverse("people:list")).content.decode()
    make_entry(owner=left)
    assert "1 inactive person owns" in pages.get(reverse("people:list")).content.decode()
    assert ">leo<" in pages.get(reverse("people:list"), {"state": "leaving"}).content.decode()


def test_making_someone_inactive_says_that_they_own_something(pages: Client, ann: User) -> None:
    assert "Hand over" not in post(pages, "standing", ann, active="0")
    post(pages, "standing", ann, active="1")
    make_entry(owner=ann)
    assert "Hand over what they own." in post(pages, "standing", ann, active="0")


def test_the_page_of_an_owner_is_small_and_asks_as_much_for_many_as_for_few(
    pages: Client, leaving: User, django_assert_num_queries: Any
) -> None:
    address = reverse("people:person", args=[leaving.pk])
    with CaptureQueriesContext(connection) as few:
        pages.get(address)
    for number in range(200):
        make_entry(f"Key {number:03}", owner=leaving, organization="o" * 100)
    with django_assert_num_queries(len(few)):
        page = pages.get(address).content
    assert len(page) < 40 * 1024
    assert "Page 1 of 9" in page.decode()
    last = pages.get(address, {"page": "9", "q": "key"}).content.decode()
    assert "Key 199" in last


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {"adam", "ann", "root", "plain"}),
        ({"q": "ann"}, {"ann"}),
        ({"q": "example.com"}, {"adam", "ann", "plain"}),
        ({"role": "Viewer"}, {"ann"}),
        ({"role": "Administrator"}, {"adam", "root"}),
        ({"role": "none"}, {"plain"}),
        ({"state": "inactive"}, set()),
        ({"q": "nobody at all"}, set()),
    ],
)
def test_people_are_searched_and_filtered(pages: Client, ann: User, asked: dict[str, str], expected: set[str]) -> None:
    make_person("root", staff=True)
    with_role("plain", "")
    page = pages.get(reverse("people:list"), asked).content.decode()
    assert set(re.findall(r'<a href="/people/\d+/">([^<]+)</a>', page)) == expected


def test_the_list_costs_the_same_for_one_and_for_a_full_page(pages: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        with_role(f"person {number}", "Viewer")
    with django_assert_max_num_queries(10):
        pages.get(reverse("people:list"))


def test_what_an_administrator_did_with_a_person_is_on_their_page(pages: Client, ann: User) -> None:
    post(pages, "role", ann, role="Operator")
    page = pages.get(reverse("people:person", args=[ann.pk])).content.decode()
    assert "Permissions changed" in page
    assert "added Operator" in page


DETAILS = {"first_name": "Ann", "last_name": "Lee", "email": "lee@example.com"}


def test_everybody_keeps_their_own_address_but_not_their_name_and_it_is_recorded(client: Client, ann: User) -> None:
    client.force_login(ann)
    page = post(client, "own-address", **DETAILS)
    assert "Email address saved." in page
    ann.refresh_from_db()
    assert (ann.get_full_name(), ann.email) == ("", "lee@example.com")
    event = Event.objects.get(kind="person.changed")
    assert (event.actor_name, event.subject_name) == ("ann", "ann")


@pytest.mark.parametrize("email", ["nowhere", "a@b", "x" * 300 + "@example.com", "a@b.example\r\nBcc: c@d.example"])
def test_an_address_that_is_none_is_said_beside_its_field_and_changes_nothing(
    client: Client, ann: User, email: str
) -> None:
    client.force_login(ann)
    page = post(client, "own-address", email=email)
    assert 'id="id_email_errors"' in page or "id_email_error" in page
    ann.refresh_from_db()
    assert ann.email == "ann@example.com"


def test_an_administrator_changes_name_and_address_of_others_but_not_of_a_superuser(pages: Client, ann: User) -> None:
    assert "Name and email address of" in post(pages, "details", ann, **DETAILS)
    root = make_person("root", staff=True)
    assert "Only a superuser can change a superuser." in post(pages, "details", root, **DETAILS)
    assert User.objects.get(pk=root.pk).email != "lee@example.com"


def test_a_search_for_what_no_text_column_holds_finds_nothing(pages: Client, ann: User) -> None:
    assert pages.get(f"/people/{ann.pk}/?q=%00").status_code == 200
