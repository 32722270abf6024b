"""One of everything the product has, made for real at the sandbox; and every address, task, command and form."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management import get_commands, load_command_class
from django.forms import BaseForm
from django.urls import get_resolver

from connections.models import AuditRun, Connection, Mail, MutedReminders
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import Pipeline, PollSubscription, Repository, SyncState
from delivery.sync import sync
from history.models import Event
from orchestrator.celery import app
from sandbox.server import Sandbox
from tests.factories import make_bulk_renewal, make_channel, make_entry, make_leak, make_renewal, make_token
from tests.test_who_may_do_what import World, names

OURS = ("core", "orchestrator", "connections", "delivery", "history", "people", "api", "throttling")
_FORMS: tuple[str, ...] = (
    "connections.forms",
    "connections.channel_forms",
    "connections.register_forms",
    "connections.renewal_forms",
    "connections.filters",
    "delivery.forms",
    "delivery.releases.release_forms",
)
_FORMS += ("api.forms", "people.forms", "history.forms", "django.contrib.auth.forms")
# What views read without a form.
_BARE = {
    "confirmed",
    "active",
    "page",
    "next",
    "provider",
    "connection",
    "entry",
    "ids",
    "projects",
    "same-expires",
    "before",
}
_BARE |= {
    "path",
    "branch",
    "at",
    "action",
    "_selected_action",
    "index",
    "version",
    "chosen",
    "kind",
    "after",
    "q",
    "channels",
    "key",
}


@dataclass
class Lived(World):
    """As the table of roles has it, with ids of what Azure DevOps really has."""

    release: int = 1
    stage: int = 1
    approval: int = 1

    def _arguments(self, name: str) -> list[object]:
        project = self.repository.project_id
        build: list[object] = [self.pipeline.pk, self.pipeline.build_id or 1]
        real: dict[str, list[object]] = {
            "delivery:build": build,
            "delivery:cancel-build": build,
            "delivery:build-log": [*build, 1],
            "delivery:release": [project, self.release],
            "delivery:release-pipeline": [project, 1],
            "delivery:new-release": [project, 1],
            "delivery:deploy-stage": [project, self.release, self.stage],
            "delivery:cancel-deployment": [project, self.release, self.stage],
            "delivery:approve-deployment": [project, self.release, self.approval],
            "delivery:reject-deployment": [project, self.release, self.approval],
        }
        return real.get(name) or super()._arguments(name)


def live(connection: Connection, sandbox: Sandbox, other: User) -> Lived:
    """Bring everything in that the connection shows, and make one of whatever else there is."""
    now = datetime.now(UTC)
    SyncState.objects.filter(connection=connection).update(next_at=now)
    for claim in sync.claim_due(now=now):
        sync.sync(claim, clock=lambda: datetime.now(UTC))
    PollSubscription.objects.update(once=True, next_at=now)
    for batch in polling.claim_due(now=datetime.now(UTC)):
        polling.poll(batch, READERS, clock=lambda: datetime.now(UTC))
    azure = sandbox.state.organizations[connection.organization].projects[0]
    release = azure.releases[0]
    mail = {"kind": "test", "recipient": "a@example.com", "subject": "s", "text": "t", "html": "h", "message_id": "m"}
    return Lived(
        connection=connection,
        run=AuditRun.objects.create(started_at=now, started_by="x", by_hand=True),
        mail=Mail.objects.create(created_at=now, due_at=now, **mail),
        muted=MutedReminders.objects.create(connection=connection, address="a@example.com"),
        repository=Repository.objects.filter(project__azure_id=azure.id).order_by("pk")[0],
        pipeline=Pipeline.objects.filter(project__azure_id=azure.id).order_by("pk")[0],
        event=Event.objects.order_by("pk")[0],
        other=other,
        group=Group.objects.get(name="Viewer"),
        token=make_token(other)[0],
        channel=make_channel(),
        entry=make_entry(),
        leak=make_leak(connection),
        renewal=make_renewal(connection),
        bulk_renewal=make_bulk_renewal(connection),
        release=release.id,
        stage=release.environments[0].id,
    )


def addresses() -> list[str]:
    """The name of every address."""
    return list(dict.fromkeys(names(get_resolver(settings.API_URLCONF).url_patterns)))


def tasks() -> set[str]:
    """The name of every task of the product."""
    app.loader.import_default_modules()
    return {name for name in app.tasks if not name.startswith("celery.")}


def commands() -> Iterator[str]:
    """Every command of the product, and each of its verbs: `backup`, `connections add`."""
    for name, where in get_commands().items():
        if where in OURS:
            parser = load_command_class(str(where), name).create_parser("manage.py", name)
            verbs = [one.choices for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
            yield from (f"{name} {verb}" for verb in verbs[0]) if verbs else [name]


def field_names() -> set[str]:
    """Every name that a form or a view reads."""
    forms = {
        one
        for module in map(import_module, _FORMS)
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, BaseForm)
    }
    return {field for form in forms for field in getattr(form, "base_fields", ())} | _BARE
