"""The table of roles and the groups that stand for it."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command

from connections.notifications.notify import Recipients
from history.models import Event
from people import roles
from tests.people.conftest import with_role

pytestmark = pytest.mark.django_db


def in_group(name: str) -> frozenset[str]:
    rows = Group.objects.get(name=name).permissions.select_related("content_type")
    return frozenset(f"{row.content_type.app_label}.{row.codename}" for row in rows)


def test_every_permission_of_the_table_exists_and_the_groups_have_it() -> None:
    for role in roles.ROLES:
        wanted = roles.permissions_of(role)
        if wanted is not None:
            assert in_group(role.name) == wanted


def test_an_administrator_has_every_permission_of_the_product_and_no_other() -> None:
    rows = Permission.objects.filter(content_type__app_label__in=roles.APPS).select_related("content_type")
    assert in_group("Administrator") == {f"{row.content_type.app_label}.{row.codename}" for row in rows}


def test_what_was_changed_by_hand_is_put_back_by_migrate_and_is_an_event() -> None:
    Group.objects.get(name="Viewer").permissions.set(Permission.objects.filter(codename="delete_connection"))
    Event.objects.all().prune()
    call_command("migrate", verbosity=0)
    assert in_group("Viewer") == roles.permissions_of(roles.ROLES[0])
    acts = Event.objects.order_by("pk")
    assert {(event.kind, event.subject_name, event.actor_name) for event in acts} == {
        ("group.permissions_changed", "Viewer", "command line")
    }


def test_a_migrate_that_changes_nothing_leaves_no_event() -> None:
    call_command("migrate", verbosity=0)
    assert not Event.objects.exists()


def test_a_group_of_ones_own_is_left_alone() -> None:
    own = Group.objects.create(name="Auditors")
    own.permissions.set(Permission.objects.filter(codename="view_all_events"))
    roles.sync()
    assert in_group("Auditors") == {"history.view_all_events"}


def test_the_highest_of_several_roles_is_the_role() -> None:
    user = with_role("ann", "Viewer")
    user.groups.add(Group.objects.get(name="Maintainer"), Group.objects.create(name="Auditors"))
    assert roles.role_of(user) == "Maintainer"


def test_mails_for_administrators_go_to_the_role_and_to_superusers() -> None:
    with_role("adam", "Administrator")
    with_role("maya", "Maintainer")
    User.objects.create_superuser("root", "root@example.com", None)
    gone = with_role("gone", "Administrator")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    assert Recipients().administrators == ["adam@example.com", "root@example.com"]
