"""Rows and people for tests."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager as ContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import factory
from django.contrib.auth.models import Permission, User
from django.db import connection as database
from django.db.models.signals import m2m_changed, post_save, pre_save
from django.utils import timezone

from api.actions.manage_tokens import digest_of
from api.models import ApiToken
from api.token_text import new_token
from connections import clients
from connections.actions.connect import ConnectRequest, connect
from connections.actions.coverage import coverage_changed
from connections.actions.verify_credential import Credentials
from connections.models import (
    BulkRenewal,
    ChannelTarget,
    Connection,
    KnownToken,
    LeakedToken,
    NotificationChannel,
    RegisterEntry,
    Renewal,
    StoredCredential,
    TokenExtension,
)
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.identifiers import parse_organization
from core.secrets import Secret
from delivery.models import Project, Repository
from history.record import Actor
from sandbox.server import Sandbox

# Not people: looking after them is for administrators alone.
OUR_APPS = ("connections", "delivery", "history")
# Thousands of tests begin with it. Django would read the permissions first and write a row for each.
_GIVE_ALL = """
INSERT INTO auth_user_user_permissions (user_id, permission_id)
SELECT %s, auth_permission.id FROM auth_permission
JOIN django_content_type ON django_content_type.id = auth_permission.content_type_id
WHERE django_content_type.app_label IN (%s, %s, %s)
"""
ALIKE = 5


def make_person(username: str, *permissions: str, staff: bool = False, **more: Any) -> User:
    """A user with the named permissions; "*" means every permission of the product. Leaves no event behind."""
    with quietly():
        return _make_person(username, *permissions, staff=staff, **more)


def quietly() -> ContextManager[None]:
    """People are made for a test, and nobody acts: their events would only be in the way of those it looks for."""
    quiet: ContextManager[None] = factory.django.mute_signals(pre_save, post_save, m2m_changed)
    return quiet


def _make_person(username: str, *permissions: str, staff: bool, **more: Any) -> User:
    if staff:
        return User.objects.create_superuser(username, password=None, **more)
    user = User.objects.create_user(username, password=None, **more)
    if "*" in permissions:
        with database.cursor() as cursor:
            cursor.execute(_GIVE_ALL, [user.pk, *OUR_APPS])
    else:
        for permission in permissions:
            app, codename = permission.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def make_token(
    owner: User, *permissions: str, days: int = 90, connections: Sequence[int] | None = None
) -> tuple[ApiToken, str]:
    """An API token as a row, with its text. It may carry permissions that its owner lacks."""
    secret, now = new_token(), timezone.now()
    token = ApiToken.objects.create(
        name=f"token {ApiToken.objects.count()}",
        owner=owner,
        digest=digest_of(secret),
        permissions=list(permissions),
        all_connections=connections is None,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    token.connections.set(Connection.objects.filter(pk__in=connections or ()))
    return token, secret.reveal()


def make_channel(
    name: str = "Alerts", kind: str = "webhook", *, url: str = "https://hooks.example.com/in", secret: str = "whsec_"
) -> NotificationChannel:
    """A notification channel as a row. Nothing listens at its target."""
    host = urlsplit(url).netloc
    channel = NotificationChannel.objects.create(name=name, kind=kind, host=host, created_at=timezone.now())
    channel.seal(ChannelTarget(Secret(url), Secret(secret)))
    channel.save()
    return channel


def make_entry(name: str = "Deploy key", **more: Any) -> RegisterEntry:
    """An entry of the register as a row."""
    now = timezone.now()
    values: dict[str, Any] = {"kind": "pat", "created_at": now, "changed_at": now, "date_set_at": now}
    return RegisterEntry.objects.create(name=name, **{"owner": more.pop("owner", None) or _owner()} | values | more)


def make_leak(connection: Connection, **more: Any) -> LeakedToken:
    """The declaration of a leaked token as a row. Unless `more` says otherwise, it waits for the proof."""
    now = timezone.now()
    use = {"id": connection.pk, "name": connection.name, "organization": connection.organization, "replaced": False}
    facts = {
        "fingerprint": f"{LeakedToken.objects.count():064}",
        "server": connection.server,
        "organization": connection.organization,
        "identity_name": connection.identity_name,
        "connections": [use | {"verdicts": {"code_read": "granted", "build_read": "unknown"}}],
        "declared_at": now,
        "declared_by": "Maya Example",
        "next_ask_at": now + timedelta(seconds=5),
    }
    return LeakedToken.objects.create(**facts | more)


def make_bulk_renewal(*connections: Connection) -> BulkRenewal:
    """A bulk renewal of these connections as rows, of which nothing was started."""
    first = connections[0]
    facts = {"server": first.server, "identity_name": first.identity_name, "started_by": "Maya Example"}
    bulk = BulkRenewal.objects.create(days=90, started_at=timezone.now(), **facts)
    for connection in connections:
        bulk.items.create(connection=connection, connection_name=connection.name, scopes=["vso.code"])
    return bulk


def make_extension(connection: Connection, **more: Any) -> TokenExtension:
    """An extension as a row, which Azure DevOps has not answered."""
    fingerprint, now = connection.stored_credential.fingerprint, timezone.now()
    known = KnownToken.objects.filter(fingerprint=fingerprint).first()
    facts = {
        "server": connection.server,
        "organization": connection.organization,
        "identity_id": connection.identity_id,
        "fingerprint": fingerprint,
        "authorization_id": known.authorization_id if known else "33333333-3333-4333-8333-333333333333",
        "until": now + timedelta(days=90),
        "started_at": now,
    }
    return TokenExtension.objects.create(connection=connection, **facts | more)


def make_renewal(connection: Connection, **more: Any) -> Renewal:
    """A renewal as a row. Unless `more` says otherwise, the old token is still valid."""
    now = timezone.now()
    facts = {
        "connection_name": connection.name,
        "server": connection.server,
        "organization": connection.organization,
        "identity_id": connection.identity_id,
        "identity_name": connection.identity_name,
        "started_by": "Maya Example",
        "state": "swapped",
        "marker": f"renewal {Renewal.objects.count():016}",
        "not_after": now + timedelta(days=90),
        "authorization_id": "33333333-3333-4333-8333-333333333333",
        "started_at": now,
        "swapped_at": now,
        "revoke_from": now + timedelta(minutes=5),
        "sealed": b"",
    }
    return Renewal.objects.create(connection=connection, **facts | more)


def connect_for_real(
    owner: User, *, name: str, organization: str, secret: str, expires_on: date | None = None
) -> Connection:
    """A connection made by the product's own action, against the configured server."""
    credentials = Credentials(
        clients.servers()[0], parse_organization(organization, clients.servers()[0]), PersonalAccessToken(secret)
    )
    wishes = ConnectRequest(name=name, expires_on=expires_on, token_reach="one", accept_limited=True)
    return connect(credentials, wishes, owner=owner, by=Actor(owner.username, owner.pk), now=timezone.now())


def keep_few_projects(sandbox: Sandbox, organization: str) -> None:
    """Leave those with names and states of every kind, and few of the hundred that are all alike."""
    found = sandbox.state.organizations[organization.lower()]
    too_many = {one.id for one in [one for one in found.projects if one.name.startswith("Service ")][ALIKE:]}
    found.projects = [one for one in found.projects if one.id not in too_many]


def _owner() -> User:
    with quietly():
        return User.objects.get_or_create(username="owner")[0]


def make_repositories(names: Iterable[str]) -> Connection:
    """A connection with repositories of these names: the second is empty, the third disabled, the fourth gone."""
    connection: Connection = ConnectionFactory.create(name="Acme main")
    now = timezone.now()
    project = Project.objects.create(connection=connection, azure_id="p", name="Store", seen_at=now)
    Repository.objects.bulk_create(
        Repository(
            project=project,
            azure_id=str(number),
            name=name,
            default_branch="" if number == 1 else "refs/heads/main",
            disabled=number == 2,
            size=number * 1000,
            added_at=now,
            gone_at=now if number == 3 else None,
        )
        for number, name in enumerate(names)
    )
    return connection


class ConnectionFactory(factory.django.DjangoModelFactory[Connection]):
    """A connection that nobody asked Azure DevOps about."""

    class Meta:
        model = Connection

    name = factory.Sequence(lambda number: f"Connection {number}")
    server = "Sandbox"
    organization = "acme"
    organization_id = "11111111-1111-4111-8111-111111111111"
    identity_id = "22222222-2222-4222-8222-222222222222"
    identity_name = "Maya Example"
    owner = factory.LazyFunction(lambda: _owner())
    health = "healthy"
    token_set_at = datetime(2026, 11, 1, tzinfo=UTC)
    created_at = datetime(2026, 11, 1, tzinfo=UTC)
    health_since = datetime(2026, 11, 1, tzinfo=UTC)
    next_check_at = datetime(2026, 12, 31, tzinfo=UTC)
    notified_health = factory.SelfAttribute("health")

    @classmethod
    def _create(cls, model_class: type[Connection], *args: Any, **kwargs: Any) -> Connection:
        connection = model_class._default_manager.create(*args, **kwargs)
        coverage_changed(connection, now=timezone.now())
        return connection


class StoredCredentialFactory(factory.django.DjangoModelFactory[StoredCredential]):
    """A token sealed for its connection."""

    class Meta:
        model = StoredCredential

    connection = factory.SubFactory(ConnectionFactory)

    @classmethod
    def _create(cls, model_class: type[StoredCredential], *args: Any, **kwargs: Any) -> StoredCredential:
        secret = kwargs.pop("secret", "a" * 52)
        stored = model_class(connection=kwargs["connection"])
        stored.seal(PersonalAccessToken(secret))
        stored.save()
        return stored
