"""`python -m tests.faults.rows WHAT JSON`: put rows into a stack's database by the product's own models and actions."""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402 - needs Django
from django.utils import timezone  # noqa: E402

from connections.actions import audit_runs, register_imports  # noqa: E402
from connections.actions.declare_leak import declare_leak, find_stored  # noqa: E402
from connections.actions.disconnect import disconnect  # noqa: E402
from connections.actions.register_imports import ImportOptions  # noqa: E402
from connections.models import CapabilityState, Connection, Consumer, RegisterEntry, StoredCredential  # noqa: E402
from history.record import Actor  # noqa: E402
from sandbox.samples import secret  # noqa: E402
from tests.factories import connect_for_real, make_person, make_token  # noqa: E402
from tests.faults.azure import SPARE, spare_token  # noqa: E402
from tests.faults.stack import PASSWORD  # noqa: E402

ORGANIZATION = "acme"


def people(*, count: int) -> list[str]:
    """People with every permission, who can sign in."""
    found = [make_person(f"person-{number}", "*") for number in range(count)]
    for one in found:
        one.set_password(PASSWORD)
    User.objects.bulk_update(found, ["password"])
    return [one.username for one in found]


def api_tokens(*, count: int) -> list[str]:
    """API tokens of one person that may read and edit connections."""
    owner = make_person("programmer", "*")
    permissions = ("connections.view_connection", "connections.change_connection")
    return [make_token(owner, *permissions)[1] for _ in range(count)]


def connections(
    *, count: int, ending: int = 0, days_left: int = 5, reported: str = "healthy", due: bool = False
) -> list[int]:
    """Connections to the sandbox with one token, each with one address to tell.

    The first `ending` of them end in `days_left` days. People were told of each that it is `reported`.
    """
    now = timezone.now()
    owner = User.objects.get_or_create(username="owner")[0]
    model = connect_for_real(owner, name="Model", organization=ORGANIZATION, secret=secret("full"))
    capabilities = list(model.capabilities.all())
    made = []
    for number in range(count):
        model.pk = None
        model.name = f"Connection {number:03}"
        model.extra_recipients = f"team-{number:03}@example.com"
        model.health = model.notified_health = reported
        model.problem = "token_refused" if reported == "rejected" else ""
        model.expires_on = timezone.localdate(now) + timedelta(days=days_left if number < ending else 80)
        model.token_set_at = now - timedelta(days=40)
        model.next_check_at = now if due else now + timedelta(hours=6)
        model.save(force_insert=True)
        made.append(model.pk)
        _keep_token(Connection.objects.get(pk=model.pk), secret("full"))
        for state in capabilities:
            state.pk, state.connection_id = None, model.pk
    _copy_capabilities(made, capabilities)
    told = Connection.objects.get(name="Model")
    disconnect(told, confirmed_name="Model", by=Actor("owner"), now=now)
    return made


def scattered(*, organizations: list[str]) -> list[int]:
    """A healthy connection to each organization, with a person of its own behind its token and an address to tell."""
    owner = User.objects.get_or_create(username="owner")[0]
    now, made = timezone.now(), []
    for organization in organizations:
        one = connect_for_real(owner, name=organization, organization=organization, secret=secret(organization))
        one.extra_recipients = f"{organization}@example.com"
        one.expires_on = timezone.localdate(now) + timedelta(days=80)
        one.next_check_at = now
        one.save()
        made.append(one.pk)
    return made


def spare_connections(*, count: int) -> list[int]:
    """Healthy connections to the sandbox, each with a spare token of its own; their ids."""
    owner = User.objects.get_or_create(username="owner")[0]
    made = [
        connect_for_real(owner, name=f"Spare {number:03}", organization=ORGANIZATION, secret=spare_token(number))
        for number in range(count)
    ]
    return [one.pk for one in made]


def _keep_token(connection: Connection, token: str) -> None:
    from connections.providers.azure_devops.credentials import PersonalAccessToken

    stored = StoredCredential(connection=connection)
    stored.seal(PersonalAccessToken(token))
    stored.save()


def _copy_capabilities(made: list[int], capabilities: list[CapabilityState]) -> None:
    CapabilityState.objects.bulk_create(
        CapabilityState(
            connection_id=pk,
            capability=one.capability,
            verdict=one.verdict,
            reason=one.reason,
            verified_at=one.verified_at,
            checked_at=one.checked_at,
        )
        for pk in made
        for one in capabilities
    )


def kept_tokens() -> dict[int, int]:
    """Which of the spare tokens each connection keeps now."""
    numbers = {spare_token(number): number for number in range(SPARE)}
    kept = StoredCredential.objects.select_related("connection")
    return {one.connection_id: numbers[one.reveal().reveal()] for one in kept}


def stored_tokens() -> dict[int, str]:
    """The token of each connection."""
    return {stored.connection_id: stored.reveal().reveal() for stored in StoredCredential.objects.all()}


def leak() -> tuple[str, str]:
    """The token of the first connection is declared leaked; when, and when that had ended."""
    key, declared = find_stored(Connection.objects.order_by("pk")[0]).key, timezone.now()
    declare_leak(key, by=Actor("ann"), now=declared)
    return declared.isoformat(), timezone.now().isoformat()


def renewing_import(*, count: int, contact: str) -> int:
    """An import that a person agreed to, which renews so many entries with users of one contact; its id."""
    owner = make_person("importer", "*")
    soon, later = (timezone.localdate() + timedelta(days=days) for days in (20, 200))
    names = [f"Key {number:05}" for number in range(count)]
    facts = {"kind": "pat", "owner": owner, "expires_on": soon}
    facts |= dict.fromkeys(("created_at", "changed_at", "date_set_at"), timezone.now())
    entries = RegisterEntry.objects.bulk_create(RegisterEntry(name=name, **facts) for name in names)
    Consumer.objects.bulk_create(Consumer(entry=entry, name="Job", contact=contact) for entry in entries)
    lines = "".join(f"{name},pat,{later},Job {contact}\n" for name in names)
    content, chosen = f"name,kind,expires_on,used_by\n{lines}".encode(), ImportOptions(owner, on_existing="update")
    by = Actor("importer", owner.pk)
    pk = register_imports.begin(content, "keys.csv", chosen, by=by, now=timezone.now()).pk
    register_imports.work(pk, clock=timezone.now)
    return register_imports.start(pk, by=by, now=timezone.now()).pk


def run() -> int:
    """A run by hand over everything; its id."""
    return audit_runs.start_by_hand(by=Actor("ann"), now=timezone.now()).pk


MAKERS: dict[str, Callable[..., Any]] = {
    "people": people,
    "api_tokens": api_tokens,
    "connections": connections,
    "scattered": scattered,
    "spare_connections": spare_connections,
    "kept_tokens": kept_tokens,
    "stored_tokens": stored_tokens,
    "leak": leak,
    "renewing_import": renewing_import,
    "run": run,
}

if __name__ == "__main__":
    print(json.dumps(MAKERS[sys.argv[1]](**json.loads(sys.argv[2]))))
