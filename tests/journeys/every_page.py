"""Every page that people open, with something to show on each, for journeys that look at all of them."""

from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from connections.models import AuditedConnection, AuditRun, CapabilityState, Connection
from connections.notifications import notify
from delivery.models import Pipeline, Project, Repository
from sandbox.server import Sandbox
from tests.factories import ConnectionFactory, make_channel, make_entry, make_leak, make_token
from tests.journeys.worker import sync_everything


def every_page(connected: Callable[..., Connection], sandbox: Sandbox) -> list[str]:
    """Fill the product, make its maintainer a superuser, and return the address of every page but the sign-in."""
    connection = connected(organization="fabrikam")
    sync_everything()
    for number, health in enumerate(("healthy", "limited", "rejected", "unreachable", "not_checked")):
        ConnectionFactory(name=f"{'W' * 50} {number}", health=health, problem="token_refused")
    say_what_is_missing()
    User.objects.filter(pk=connection.owner_id).update(is_superuser=True)
    make_token(connection.owner, "connections.view_connection")
    pages = ["/code-repositories/", "/code-repositories/?q=nothing", "/code-repositories/add/", "/help/azure-devops/"]
    here = connection.get_absolute_url()
    parts = ("", "token/", "token/updated/", "edit/", "disconnect/", "history/", "calibrate/")
    pages += [here + part for part in parts]
    pages += ["/code-repositories/add/azure-devops/", "/password/", "/nowhere/"]
    pages += ["/account/", "/people/", "/people/add/", f"/people/{connection.owner_id}/"]
    pages += ["/history/", "/history/?q=nothing&since=never"]
    pages += ["/account/api-tokens/", "/people/api-tokens/", "/help/api/"]
    pages += addresses_of_the_register()
    pages += addresses_of_tokens(connection) + addresses_of_repositories()
    return pages + addresses_of_releases(sandbox)


def addresses_of_tokens(connection: Connection) -> list[str]:
    """Rotation, audits, calendar, token policy and outbox, with something in each."""
    soon = timezone.localdate() + timedelta(days=4)
    Connection.objects.filter(pk=connection.pk).update(expires_on=soon)
    run = AuditRun.objects.create(started_at=timezone.now(), started_by="maya", by_hand=True)
    AuditedConnection.objects.create(run=run, connection=connection, name=connection.name)
    reader = notify.Recipient("olga@example.com", "you own this connection")
    facts = notify.facts(connection) | {"problem": None}
    (mail,) = notify.enqueue_mail("rejected", [reader], facts, about=[connection], now=timezone.now())
    sections = [f"/code-repositories/{section}/" for section in ("rotation", "audits", "calendar", "guard-rails")]
    walk = f"/code-repositories/rotation/plan/?within=30&connection={connection.pk}"
    of_run = f"/code-repositories/audits/{run.pk}/"
    return [
        f"/code-repositories/?on={soon}",
        *sections,
        of_run,
        walk,
        "/outbox/",
        f"/outbox/{mail.pk}/",
        *addresses_of_channels(connection),
        *addresses_of_leaks(connection),
    ]


def addresses_of_the_register() -> list[str]:
    """The pages of the register, and of an entry whose date has passed."""
    day = timezone.localdate() - timedelta(days=3)
    entry = make_entry(name="W" * 60, organization="W" * 60, purpose="W" * 60, expires_on=day)
    entry.consumers.create(name="W" * 60, url="https://example.com/", contact="ops@example.com")
    here = entry.get_absolute_url()
    register = "/code-repositories/register/"
    of_entry = [here, *(f"{here}{act}/" for act in ("edit", "close", "delete", "leaked"))]
    return [
        register,
        f"{register}?q=nothing",
        f"{register}add/",
        f"{register}import/",
        f"{register}certificate/",
        *of_entry,
    ]


def addresses_of_leaks(connection: Connection) -> list[str]:
    """The pages of leaked tokens, one of which waits for its proof."""
    here = "/code-repositories/leaks/"
    return [here, f"{here}{make_leak(connection).pk}/", f"{connection.get_absolute_url()}leaked/"]


def addresses_of_channels(connection: Connection) -> list[str]:
    """The pages of a channel that the connection's notifications go to."""
    channel = make_channel(name="W" * 60)
    channel.connections.add(connection)
    here = f"/outbox/channels/{channel.pk}/"
    return ["/outbox/channels/", "/outbox/channels/add/webhook/", here, f"{here}remove/"]


def say_what_is_missing() -> None:
    """Lists of builds and releases say which tokens lack a scope, and where classic releases are turned off."""
    lacking, now = Connection.objects.get(name__endswith="1"), timezone.now()
    for capability in ("build_read", "release_read"):
        CapabilityState.objects.create(
            connection=lacking, capability=capability, verdict="missing", verified_at=now, checked_at=now
        )
    Project.objects.filter(name="Wiki").update(releases_off=True)


def addresses_of_repositories() -> list[str]:
    here = Repository.objects.get(name="Tailspin").get_absolute_url()
    empty = Repository.objects.get(name="Empty").get_absolute_url()
    inside = ("files/", "files/?path=/README.md", "commits/", "branches/", "branches/new/", "commit/")
    new = f"/code-repositories/{Connection.objects.order_by('pk')[0].pk}/repositories/new/"
    failed = Pipeline.objects.get(name="Tailspin Nightly")
    parts = ("", "run/", f"{failed.build_id}/", f"{failed.build_id}/logs/1/")
    of_builds = ["/builds/", "/builds/?q=nothing", *(failed.get_absolute_url() + part for part in parts)]
    of_repositories = ["/repositories/", "/repositories/?q=nothing", empty, here, *(here + part for part in inside)]
    return [*of_builds, *of_repositories, new]


def addresses_of_releases(sandbox: Sandbox) -> list[str]:
    """A pipeline, and releases that went through, wait for somebody, and failed; with the questions about them."""
    here = f"/releases/{Project.objects.get(name='Tailspin').pk}/"
    azure = sandbox.state.organizations["fabrikam"].projects[0]
    for release in azure.releases:
        release.settle(sandbox.state.now(), azure.new_id)
    waiting = next(release for release in reversed(azure.releases) if release.definition.id == 1)
    production = waiting.environments[-1]
    approval = f"{here}{waiting.id}/approvals/{production.attempts[-1].approvals[0].id}/"
    stage = f"{here}{waiting.id}/stages/{production.id}/"
    inside = [f"{here}{release.id}/" for release in azure.releases]
    asking = [f"{approval}approve/", f"{approval}reject/", f"{stage}deploy/", f"{stage}cancel/"]
    lists = ["/releases/", "/releases/?state=waiting&sort=newest", "/releases/?q=nothing"]
    lists += [f"/releases/?connection={Connection.objects.order_by('-pk')[0].pk}", "/builds/?state=failed"]
    return [*lists, f"{here}pipelines/1/", f"{here}pipelines/3/", f"{here}pipelines/1/new/", *inside, *asking]
