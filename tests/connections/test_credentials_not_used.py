"""A stored credential is not used while its connection is disabled, or while Azure DevOps wants its owner to wait."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions import rate_limit_pauses
from connections.actions.refusals import CannotRotate
from connections.actions.rotate import extend
from connections.models import AuditedConnection, Connection, RateLimitPause
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox
from tests.api.calls import Program
from tests.connections.commands import Ran
from tests.factories import make_token

pytestmark = pytest.mark.django_db
TITLES = {"connection_disabled": "Connection is disabled", "throttled": "Azure DevOps asks us to wait"}
NEXT_STEPS = {"connection_disabled": "Enable the connection on its page", "throttled": "Wait 2 minutes and test again"}
EXIT_CODES = {"connection_disabled": 1, "throttled": 4}
FORM = {"code": "manage", "build": "execute", "release": "manage", "token_state": "valid"}


@pytest.fixture
def connection(connected: Callable[..., Connection], sandbox: Sandbox) -> Connection:
    connection = connected()
    sandbox.requests.clear()
    return connection


@pytest.fixture(params=["connection_disabled", "throttled"])
def code(request: pytest.FixtureRequest, connection: Connection) -> str:
    """The problem code of why the credential may not be used."""
    if request.param == "connection_disabled":
        Connection.objects.update(disabled=True)
    else:
        rate_limit_pauses.note(connection, 120, now=timezone.now())
    return str(request.param)


def test_a_page_does_not_test_it_and_says_why(
    pages: Client, connection: Connection, code: str, sandbox: Sandbox
) -> None:
    page = pages.post(reverse("connections:test", args=[connection.pk])).content.decode()
    assert TITLES[code] in page
    after = Connection.objects.get()
    assert (after.health, after.checked_at) == (connection.health, connection.checked_at)
    assert not Event.objects.filter(kind="connection.tested").exists()
    assert not sandbox.requests


def test_the_rest_api_does_not_test_it(maintainer: User, connection: Connection, code: str, sandbox: Sandbox) -> None:
    program = Program(make_token(maintainer, "connections.view_connection", "connections.test_connection")[1])
    assert program.post(f"/connections/{connection.pk}/test")["problem"]["code"] == code
    assert not sandbox.requests


def test_no_command_uses_it(connection: Connection, code: str, sandbox: Sandbox) -> None:
    ran = Ran("test", connection.name, "--json")
    assert (ran.code, ran.json["problem"]) == (4, code)
    ran = Ran("audit", connection.name, "--json")
    assert (ran.code, ran.json["connections"][0]["latest_problem"]) == (4, code)
    ran = Ran("calibrate", connection.name, "--code", "manage", "--build", "execute", "--release", "manage")
    assert (ran.code, NEXT_STEPS[code] in ran.err) == (EXIT_CODES[code], True)
    assert not sandbox.requests


def test_an_extension_says_this_and_not_what_an_earlier_check_found(
    connection: Connection, code: str, sandbox: Sandbox
) -> None:
    Connection.objects.update(health="rejected", problem="token_refused")
    wished = timezone.localdate() + timedelta(days=60)
    with pytest.raises(CannotRotate) as refused:
        extend(Connection.objects.get(), expires_on=wished, by=Actor("ann"), now=timezone.now())
    assert refused.value.code == code
    assert not sandbox.requests


def test_an_audit_of_all_leaves_a_pause_to_the_scheduler(connection: Connection, sandbox: Sandbox) -> None:
    rate_limit_pauses.note(connection, 120, now=timezone.now())
    ran = Ran("audit", "--json")
    assert (ran.code, ran.json["connections"][0]["latest_problem"]) == (4, "throttled")
    assert AuditedConnection.objects.get().state == AuditedConnection.State.WAITING
    assert not sandbox.requests


def test_the_form_that_edits_keeps_the_projects_and_says_why_it_lists_no_others(
    pages: Client, connection: Connection, code: str, sandbox: Sandbox
) -> None:
    page = pages.get(reverse("connections:edit", args=[connection.pk])).content.decode()
    assert NEXT_STEPS[code] in page
    found = pages.post(reverse("connections:find-project", args=[connection.pk]), {"project_name": "Web Shop"})
    assert TITLES[code] in found.content.decode()
    assert not sandbox.requests


def test_a_calibration_says_why_nothing_is_sent(
    client: Client, maintainer: User, connection: Connection, code: str, sandbox: Sandbox
) -> None:
    maintainer.user_permissions.add(Permission.objects.get(codename="calibrate_connection"))
    client.force_login(maintainer)
    page = client.post(reverse("connections:calibrate", args=[connection.pk]), FORM).content.decode()
    assert NEXT_STEPS[code] in page
    assert not sandbox.requests


def test_after_the_pause_it_is_tested_again(pages: Client, connection: Connection, sandbox: Sandbox) -> None:
    rate_limit_pauses.note(connection, 120, now=timezone.now())
    RateLimitPause.objects.update(until=timezone.now() - timedelta(seconds=1))
    pages.post(reverse("connections:test", args=[connection.pk]))
    assert sandbox.requests
