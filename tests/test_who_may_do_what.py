"""Who may do what: every address, every method, every role. An address that is not in the table fails the test.

Operations of the REST API take no cookie, so everyone gets 401; tests/api/test_access.py has their own table.
`stranger` is not signed in, `nobody` is signed in without a role. Each cell is the status of the answer: 302 leads a
stranger to the sign-in, 403 refuses, 405 is a method that the address does not know.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, resolve, reverse

from api.models import ApiToken
from connections.models import (
    AuditRun,
    BulkRenewal,
    Connection,
    LeakedToken,
    Mail,
    MutedReminders,
    NotificationChannel,
    RegisterEntry,
    Renewal,
)
from delivery.models import Pipeline, Project, Repository
from history.models import Event
from people import roles
from people.actions import manage_people
from tests.browser import drawn_now
from tests.factories import (
    ConnectionFactory,
    make_bulk_renewal,
    make_channel,
    make_entry,
    make_leak,
    make_person,
    make_renewal,
    make_token,
    quietly,
)
from tests.role_table import TABLE

WHO = ("stranger", "nobody", "Viewer", "Operator", "Maintainer", "Administrator")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

# Answered before anything looks at who asks: monitors ask for them.
NAMELESS = {"/healthz", "/readyz"}
# Whoever holds the signed address may: mail programs do it by themselves.
SIGNED = {"connections:unsubscribe", "choose-password"}

# name | GET | POST, each for stranger, nobody, Viewer, Operator, Maintainer, Administrator. One number stands for all,
# and "-" for a method that the address does not know.
# A method that an address does not know.
UNKNOWN = ("302", "405", "405", "405", "405", "405")
# What an id in an address names, by how the address begins.
PLACES = {"outbox/channels/": "channel", "outbox/": "mail", "people/": "other"}
PLACES |= {"repositories/": "repository", "builds/": "pipeline"}
PLACES |= {"code-repositories/audits/": "run", "account/api-tokens/": "token", "code-repositories/register/": "entry"}
PLACES |= {"code-repositories/bulk-renewals/": "bulk_renewal"}
PLACES |= {"code-repositories/leaks/": "leak", "code-repositories/renewals/": "renewal"}
MODELS = {"history_event": "event", "connections_connection": "connection", "delivery_repository": "repository"}
MODELS |= {"connections_registerentry": "entry", "auth_group": "group", "auth_user": "other"}
# Addresses inside a project, and how many ids of Azure DevOps follow.
RELEASES = {"delivery:release": 1, "delivery:release-pipeline": 1, "delivery:new-release": 1}
RELEASES |= {"delivery:deploy-stage": 2, "delivery:cancel-deployment": 2}
RELEASES |= {"delivery:approve-deployment": 2, "delivery:reject-deployment": 2}


def names(patterns: list[URLPattern | URLResolver], space: tuple[str, ...] = ()) -> Iterator[str]:
    """Every name of the map of addresses, but for the API: tests/api/test_access.py has a table of its operations."""
    for one in patterns:
        if isinstance(one, URLResolver):
            if one.namespace == "v1":
                continue
            yield from names(one.url_patterns, (*space, one.namespace) if one.namespace else space)
        elif one.name:
            yield ":".join([*space, one.name])


def table() -> dict[tuple[str, str], tuple[str, ...]]:
    """The table by name and method."""
    rows: dict[tuple[str, str], tuple[str, ...]] = {}
    for line in TABLE.strip().splitlines():
        name, *columns = [column.strip() for column in line.split("|")]
        for method, column in zip(("GET", "POST"), columns, strict=True):
            cells = UNKNOWN if column == "-" else tuple(column.split())
            rows[name, method] = cells * len(WHO) if len(cells) == 1 else cells
    return rows


@dataclass
class World:
    """One of everything that an address can name."""

    connection: Connection
    run: AuditRun
    mail: Mail
    muted: MutedReminders
    repository: Repository
    pipeline: Pipeline
    event: Event
    other: User
    group: Group
    token: ApiToken
    channel: NotificationChannel
    entry: RegisterEntry
    leak: LeakedToken
    renewal: Renewal
    bulk_renewal: BulkRenewal

    def address(self, name: str) -> str:
        """The address of `name` with the ids of what is here."""
        return reverse(name, settings.API_URLCONF, self._arguments(name))

    def _arguments(self, name: str) -> list[object]:
        fixed: dict[str, list[object]] = {
            "connections:unsubscribe": ["nonsense"],
            "connections:calendar-feed": ["nonsense"],
            "connections:add-channel": ["webhook"],
            "delivery:build": [self.pipeline.pk, 7],
            "delivery:cancel-build": [self.pipeline.pk, 7],
            "delivery:build-log": [self.pipeline.pk, 7, 1],
            "delivery:download-log": [self.pipeline.pk, 7, 1],
            "delivery:commit-page": [self.repository.pk, "0" * 40],
            "connections:resume-reminders": [self.connection.pk, self.muted.pk],
            "choose-password": ["nonsense", "nonsense"],
            "admin:view_on_site": [1, 1],
            "admin:app_list": ["connections"],
            "admin:auth_user_password_change": [self.other.pk],
        }
        if name in fixed:
            return fixed[name]
        if name in RELEASES:
            return [self.repository.project_id, *[1] * RELEASES[name]]
        thing, _, verb = name.removeprefix("admin:").rpartition("_")
        if thing in MODELS and verb in ("history", "delete", "change"):
            return [getattr(self, MODELS[thing]).pk]
        with suppress(NoReverseMatch):
            reverse(name, settings.API_URLCONF)
            return []
        with suppress(NoReverseMatch):
            address = reverse(name, settings.API_URLCONF, args=[1])
            route = resolve(address, settings.API_URLCONF).route
            place = next((thing for start, thing in PLACES.items() if route.startswith(start)), "connection")
            return [getattr(self, place).pk]
        pytest.fail(f"Say in this test which thing {name} is about.")


@pytest.fixture
def world(db: None) -> World:
    """The connection's server is gone, so nothing here asks anybody."""
    connection = ConnectionFactory.create(server="Gone")
    project = Project.objects.create(connection=connection, azure_id="p", name="P", seen_at=NOW)
    due = {"created_at": NOW, "due_at": NOW}
    event = Event(at=NOW, kind="x", actor_name="x", subject_kind="connection", subject_id=connection.pk)
    event.save()
    other = make_person("other")
    return World(
        connection,
        AuditRun.objects.create(started_at=NOW, started_by="x", by_hand=True),
        Mail.objects.create(
            kind="x", recipient="a@example.com", subject="s", text="t", html="h", message_id="m", **due
        ),
        MutedReminders.objects.create(connection=connection, address="a@example.com"),
        Repository.objects.create(project=project, azure_id="r", name="R", added_at=NOW),
        Pipeline.objects.create(project=project, azure_id=1, name="CI", seen_at=NOW),
        event,
        other,
        Group.objects.get(name="Viewer"),
        make_token(other)[0],
        make_channel(),
        make_entry(),
        make_leak(connection),
        make_renewal(connection),
        make_bulk_renewal(connection),
    )


def user_of(who: str) -> User:
    """Somebody whose only right is the role."""
    with quietly():
        user = make_person(f"the {who}")
        if who in roles.BY_NAME:
            manage_people.assign_role(user, who)
    return user


class _Undo(Exception):
    """Takes back what an answer did, so that each answer meets the same world."""


Ask = Callable[[str, str], int]


@pytest.fixture
def ask(world: World, client: Client) -> Callable[[str], Ask]:
    """`ask("Viewer")("connections:list", "GET")` is the status of the answer."""

    def as_(who: str) -> Ask:
        if who != "stranger":
            client.force_login(user_of(who))
        cookies = client.cookies.output()
        client.raise_request_exception = False

        def asked(name: str, method: str) -> int:
            status = 0
            client.cookies.load(cookies.replace("Set-Cookie: ", ""))
            with suppress(_Undo), transaction.atomic():
                body = urlencode({"version": drawn_now(world.connection)}) if method == "POST" else ""
                form = "application/x-www-form-urlencoded"
                status = client.generic(method, world.address(name), body, content_type=form).status_code
                raise _Undo
            return status

        return asked

    return as_


@pytest.fixture(autouse=True)
def _no_broker() -> Iterator[None]:
    with patch("celery.app.task.Task.apply_async"):
        yield


def test_every_address_is_in_the_table_and_the_table_names_no_other() -> None:
    there, known = set(names(get_resolver(settings.API_URLCONF).url_patterns)), {name for name, _ in table()}
    assert there - known == set(), "Say in TABLE who may do what at the new address."
    assert known - there == set(), "TABLE names an address that is gone."


@pytest.mark.parametrize("who", WHO)
def test_each_role_gets_exactly_what_the_table_says(ask: Callable[[str], Ask], who: str) -> None:
    asked = ask(who)
    rows = table()
    found = {(name, method): str(asked(name, method)) for name, method in rows}
    expected = {place: cells[WHO.index(who)] for place, cells in rows.items()}
    assert found == expected


def test_no_other_method_does_anything(ask: Callable[[str], Ask]) -> None:
    asked = ask("Administrator")
    methods = ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NONSENSE")
    pages = [name for name, _ in table()]
    assert {asked(name, method) for name in pages for method in methods} == {405}


def test_whoever_only_sees_never_acts() -> None:
    own = {"login", "logout", "password_change", "people:sign-out-elsewhere", "admin-sign-out", "admin:logout"} | SIGNED
    own |= {"api:tokens", "people:own-address", "connections:make-calendar", "connections:revoke-calendar"}
    own |= {"connections:own-channels"}
    for who in ("nobody", "Viewer"):
        acts = {name for (name, method), cells in table().items() if method == "POST" and _acts(name, cells, who)}
        assert acts - own == set(), who


def _acts(name: str, cells: tuple[str, ...], who: str) -> bool:
    # Into Django's admin all but administrators are only led to the sign-in.
    led_away = name.startswith("admin") and cells[WHO.index(who)] == "302"
    return not led_away and cells[WHO.index(who)] not in ("401", "403", "404", "405")


def test_each_role_may_all_that_the_one_before_it_may() -> None:
    for (name, method), cells in table().items():
        if not name.startswith("admin"):
            refused = [cell == "403" for cell in cells[2:]]
            assert refused == sorted(refused, reverse=True), (name, method)


def test_superusers_alone_reach_users_and_groups_in_the_admin(client: Client, db: None) -> None:
    client.force_login(make_person("root", staff=True))
    for model in ("user", "group"):
        assert client.get(reverse(f"admin:auth_{model}_changelist")).status_code == 200


def test_the_admin_action_asks_for_the_right_to_test(client: Client, world: World) -> None:
    viewer = user_of("Viewer")
    User.objects.filter(pk=viewer.pk).update(is_staff=True)
    client.force_login(viewer)
    address = reverse("admin:connections_connection_changelist")
    with patch("connections.admin.enqueue") as asked:
        client.post(address, {"action": "test_now", "_selected_action": [world.connection.pk]})
        assert not asked.called
        client.force_login(user_of("Administrator"))
        client.post(address, {"action": "test_now", "_selected_action": [world.connection.pk]})
        assert asked.called


def test_monitors_are_answered_without_a_name(client: Client, db: None) -> None:
    with patch("orchestrator.health.report", return_value=[]):
        assert {client.get(address).status_code for address in NAMELESS} == {200}
