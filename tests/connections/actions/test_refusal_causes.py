"""A refusal without a reason since 1 December 2026: every page, command and mail names the same cause."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client
from django.urls import reverse

from connections.actions.audit import audit
from connections.actions.edit import Changes, edit
from connections.models import AuditedConnection, Connection, Mail
from connections.views.presenters import states
from delivery.models import SyncState
from delivery.remote_read import RemoteReadError, cached
from delivery.sync.sync import claim_due, request_sync, sync
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox
from tests.connections.commands import Connected, Ran, Token, TypeIn, line

CLOCK = Actor("the clock")
ENDED, LIKELY = "global_tokens_ended", "global_tokens_ended_likely"
LIKELY_TITLE = "Token not accepted, probably valid for all organizations"
# How Azure DevOps may refuse a token without saying why.
REFUSALS = {
    "wrong_token": {"kind": "wrong_token"},
    "without a word": {"kind": "scope_missing"},
    "sign-in page": {"kind": "sign_in_page"},
    "way to the sign-in page": {"kind": "redirect", "variant": "sign_in"},
}


@pytest.fixture(params=["the day", "later"])
def _the_day(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    days = {"the day": 0, "later": 40}[request.param]
    monkeypatch.setattr("connections.domain.expiry.GLOBAL_TOKENS_END", datetime.now(UTC).date() - timedelta(days=days))


@pytest.fixture
def since_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connections.domain.expiry.GLOBAL_TOKENS_END", datetime.now(UTC).date())


def refuse(sandbox: Sandbox, refusal: str) -> None:
    sandbox.behaviour.add(**REFUSALS[refusal])


def known(connection: Connection, reach: str) -> Connection:
    Connection.objects.filter(pk=connection.pk).update(token_reach=reach)
    connection.refresh_from_db()
    return connection


def look(connection: Connection) -> str:
    report = audit(connection, by=CLOCK, now=datetime.now(UTC), interactive=False)
    assert report.failure is not None
    assert report.failure.code == connection.problem
    return connection.problem


@pytest.mark.usefixtures("_the_day")
@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize(("reach", "cause"), [("all", ENDED), ("unknown", LIKELY)])
def test_a_refusal_without_a_reason_is_laid_to_the_day(
    connected: Connected, sandbox: Sandbox, refusal: str, reach: str, cause: str
) -> None:
    connection = known(connected(), reach)
    refuse(sandbox, refusal)
    assert look(connection) == cause
    assert connection.health == "rejected"


@pytest.mark.usefixtures("since_the_day")
@pytest.mark.parametrize(("reach", "cause"), [("all", ENDED), ("unknown", LIKELY), ("one", "anonymous")])
def test_an_answer_to_nobody_is_laid_to_the_day(connected: Connected, sandbox: Sandbox, reach: str, cause: str) -> None:
    connection = known(connected(organization="commons"), reach)
    sandbox.state.tokens[connection.stored_credential.reveal().reveal()].state = "revoked"
    assert look(connection) == cause


@pytest.mark.usefixtures("since_the_day")
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_token_for_this_organization_only_is_not_laid_to_the_day(
    connected: Connected, sandbox: Sandbox, refusal: str
) -> None:
    connection = known(connected(), "one")
    refuse(sandbox, refusal)
    assert look(connection) in ("token_refused", "sign_in_required")


@pytest.mark.parametrize("reach", ["all", "unknown"])
def test_before_the_day_nothing_is_laid_to_it(
    connected: Connected, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, reach: str
) -> None:
    monkeypatch.setattr("connections.domain.expiry.GLOBAL_TOKENS_END", datetime.now(UTC).date() + timedelta(days=2))
    connection = known(connected(), reach)
    refuse(sandbox, "wrong_token")
    assert look(connection) == "token_refused"


@pytest.mark.parametrize("reach", ["all", "unknown"])
def test_what_was_refused_before_the_day_is_not_laid_to_it_afterwards(
    connected: Connected, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, reach: str
) -> None:
    connection = known(connected(), reach)
    refuse(sandbox, "wrong_token")
    look(connection)
    Connection.objects.update(health_since=datetime.now(UTC) - timedelta(days=9))
    connection.refresh_from_db()
    monkeypatch.setattr("connections.domain.expiry.GLOBAL_TOKENS_END", datetime.now(UTC).date() - timedelta(days=2))
    assert look(connection) == "token_refused"


@pytest.mark.usefixtures("since_the_day")
@pytest.mark.parametrize(
    ("token", "organization", "cause"),
    [("expired", "acme", "token_expired"), ("not-a-member", "acme", "not_a_member"), ("full", "fenced", None)],
)
@pytest.mark.parametrize("reach", ["all", "unknown"])
def test_a_reason_that_azure_devops_gives_stays(
    pages: Client, sandbox: Sandbox, token_of: Token, token: str, organization: str, cause: str | None, reach: str
) -> None:
    page = answer_to(pages, token_of(token), organization=organization, token_reach=reach)
    assert f'data-problem="{cause or "conditional_access"}"' in page


@pytest.mark.usefixtures("since_the_day")
@pytest.mark.parametrize("reach", ["all", "unknown"])
def test_azure_devops_itself_says_that_it_was_made_for_all(
    pages: Client, sandbox: Sandbox, token_of: Token, reach: str
) -> None:
    assert f'data-problem="{ENDED}"' in answer_to(pages, token_of("global"), organization="strict", token_reach=reach)


@pytest.mark.parametrize("problem", ["global_token_blocked", "global_tokens_ended"])
def test_a_page_does_not_ask_for_what_is_known(pages: Client, connected: Connected, problem: str) -> None:
    connection = known(connected(), "unknown")
    assert "#id_token_reach" in pages.get(connection.get_absolute_url()).content.decode()
    Connection.objects.update(health="rejected", problem=problem)
    assert "#id_token_reach" not in pages.get(connection.get_absolute_url()).content.decode()


@pytest.mark.usefixtures("since_the_day")
def test_trouble_on_the_way_is_not_laid_to_the_day(connected: Connected, sandbox: Sandbox) -> None:
    connection = known(connected(), "all")
    sandbox.behaviour.add("status", status=503)
    report = audit(connection, by=CLOCK, now=datetime.now(UTC), interactive=False)
    assert report.failure is not None
    assert report.failure.code == "server_error"


@pytest.mark.usefixtures("since_the_day")
def test_pages_list_mail_history_and_commands_agree(
    connected: Connected, sandbox: Sandbox, pages: Client, maintainer: User
) -> None:
    maintainer.email = "maya@example.com"
    maintainer.save()
    connection = known(connected(), "unknown")
    refuse(sandbox, "sign-in page")
    tested = pages.post(reverse("connections:test", args=[connection.pk])).content.decode()
    assert tested.count(f'data-problem="{LIKELY}"') == 1
    assert "Azure DevOps asks for a sign-in" not in tested
    shown = pages.get(connection.get_absolute_url()).content.decode()
    assert f'data-problem="{LIKELY}"' in shown
    event = Event.objects.filter(kind="connection.tested").latest("pk")
    assert event.detail["problem"] == LIKELY
    assert LIKELY_TITLE in pages.get(reverse("connections:history", args=[connection.pk])).content.decode()
    ran = Ran("test", "Acme main", "--json")
    assert (ran.code, ran.json["problem"]) == (1, LIKELY)
    assert "“Organization” says “All accessible organizations”" in Ran("test", "Acme main").out
    audited = Ran("audit", "--json")
    assert (audited.code, audited.json["connections"][0]["problem"]) == (1, LIKELY)
    assert LIKELY_TITLE in Ran("audit", "--stored").out
    assert Ran("list", "--json").json[0]["problem"] == LIKELY
    assert AuditedConnection.objects.get().problem == LIKELY
    mail = Mail.objects.get(kind="rejected")
    assert LIKELY_TITLE in mail.subject
    for words in ("All accessible organizations", "revoked", "create a new"):
        assert words in mail.text
        assert words in mail.html
    connection.refresh_from_db()
    assert states(connection, today=datetime.now(UTC).date()).chips[0].label == "Rejected"


@pytest.mark.usefixtures("since_the_day")
def test_what_reads_on_demand_and_what_syncs_agree(connected: Connected, sandbox: Sandbox) -> None:
    caches["azure_devops"].clear()
    connection = known(connected(), "unknown")
    refuse(sandbox, "wrong_token")
    with pytest.raises(RemoteReadError) as refused:
        cached(connection, ("projects",), lambda client: client.projects_page())
    assert refused.value.code == LIKELY
    request_sync(connection, by=CLOCK, now=datetime.now(UTC))
    for claim in claim_due(now=datetime.now(UTC) + timedelta(seconds=1)):
        sync(claim, clock=lambda: datetime.now(UTC))
    assert SyncState.objects.get(connection=connection).problem == LIKELY


def answer_to(pages: Client, secret: str, name: str = "test-new", /, **more: object) -> str:
    usual = {"name": "New", "organization": "acme", "expires": "90", "token": secret, "projects_mode": "all"}
    return pages.post(reverse(f"connections:{name}"), usual | more).content.decode()


@pytest.mark.usefixtures("since_the_day")
@pytest.mark.parametrize("name", ["test-new", "add-azure-devops"])
@pytest.mark.parametrize(
    ("reach", "title"),
    [
        ("all", "Tokens for all organizations no longer work"),
        ("unknown", LIKELY_TITLE),
        ("one", "Token not accepted"),
    ],
)
def test_a_new_token_is_judged_by_what_the_form_says(
    pages: Client, sandbox: Sandbox, token_of: Token, name: str, reach: str, title: str
) -> None:
    page = answer_to(pages, token_of("revoked"), name, token_reach=reach)
    assert title in page
    assert (LIKELY_TITLE in page) == (reach == "unknown")
    assert not Connection.objects.exists()


@pytest.mark.usefixtures("since_the_day")
def test_a_test_without_the_choice_counts_as_not_known(pages: Client, sandbox: Sandbox, token_of: Token) -> None:
    assert f'data-problem="{LIKELY}"' in answer_to(pages, token_of("revoked"))


@pytest.mark.usefixtures("since_the_day")
@pytest.mark.parametrize("name", ["test-replacement", "update-token"])
def test_the_page_of_a_new_token_agrees(pages: Client, connected: Connected, token_of: Token, name: str) -> None:
    connection = connected()
    data = {"token": token_of("revoked"), "expires": "30", "token_reach": "unknown"}
    page = pages.post(reverse(f"connections:{name}", args=[connection.pk]), data).content.decode()
    assert LIKELY_TITLE in page


@pytest.mark.usefixtures("since_the_day")
@pytest.mark.parametrize("name", ["rotation-step", "verify-step"])
def test_the_steps_of_a_rotation_agree(pages: Client, connected: Connected, token_of: Token, name: str) -> None:
    connection = connected()
    data = {"token": token_of("revoked"), "expires": "30", "token_reach": "all"}
    page = pages.post(f"{reverse(f'connections:{name}')}?at=1&steps={connection.pk}", data).content.decode()
    assert "Tokens for all organizations no longer work" in page


@pytest.mark.usefixtures("since_the_day", "maintainer")
@pytest.mark.parametrize(
    ("words", "cause"),
    [([], LIKELY), (["--all-organizations"], ENDED), (["--one-organization"], "token_refused")],
)
def test_commands_judge_by_what_was_said(
    sandbox: Sandbox, connected: Connected, token_of: Token, type_in: TypeIn, words: list[str], cause: str
) -> None:
    type_in(token_of("revoked"))
    assert Ran("add", "New", "acme", "--owner", "maya", "--json", *words).json["problem"] == cause
    connected()
    type_in(token_of("revoked"))
    assert Ran("update-token", "Acme main", "--owner", "maya", "--json", *words).json["problem"] == cause


@pytest.mark.usefixtures("since_the_day")
@pytest.mark.parametrize(("said", "cause"), [(None, LIKELY), (True, ENDED), (False, "token_refused")])
def test_lines_are_judged_by_what_they_say(
    connected: Connected, token_of: Token, type_in: TypeIn, said: bool | None, cause: str
) -> None:
    connected()
    told = {} if said is None else {"all_organizations": said}
    type_in(line(connection="Acme main", token=token_of("revoked"), **told))
    assert Ran("rotate", "--read", "--owner", "maya", "--json").lines[0]["problem"] == cause


@pytest.mark.usefixtures("maintainer")
@pytest.mark.parametrize(
    ("words", "reach"), [([], "unknown"), (["--all-organizations"], "all"), (["--one-organization"], "one")]
)
def test_what_nobody_said_is_stored_as_not_known(
    sandbox: Sandbox, token_of: Token, type_in: TypeIn, words: list[str], reach: str
) -> None:
    type_in(token_of("full"))
    assert Ran("add", "New", "acme", "--owner", "maya", *words).code == 0
    assert Connection.objects.get().token_reach == reach


def test_a_new_token_is_for_one_organization_unless_it_is_said(
    connected: Connected, token_of: Token, type_in: TypeIn
) -> None:
    known(connected(), "unknown")
    type_in(token_of("full-again"))
    assert Ran("update-token", "Acme main", "--owner", "maya").code == 0
    assert Connection.objects.get().token_reach == "one"


@pytest.mark.parametrize("reach", ["one", "all", "unknown"])
def test_the_form_for_a_new_token_begins_with_one_organization(pages: Client, connected: Connected, reach: str) -> None:
    connection = known(connected(), reach)
    page = pages.get(reverse("connections:update-token", args=[connection.pk])).content.decode()
    assert 'value="one" required id="id_token_reach_0" checked' in page


@pytest.mark.usefixtures("since_the_day")
@pytest.mark.parametrize(("answer", "cause"), [("all", ENDED), ("one", "token_refused"), ("unknown", LIKELY)])
def test_whoever_finds_out_and_records_it_reads_the_cause_at_once(
    connected: Connected, sandbox: Sandbox, answer: str, cause: str
) -> None:
    connection = known(connected(), "unknown")
    refuse(sandbox, "wrong_token")
    look(connection)
    changes = Changes(connection.name, None, answer, projects=None)
    edit(connection, changes, by=CLOCK, now=datetime.now(UTC))
    assert Connection.objects.get().problem == connection.problem == cause


@pytest.mark.usefixtures("since_the_day")
def test_an_edit_leaves_what_an_audit_found_meanwhile(connected: Connected, sandbox: Sandbox) -> None:
    connection = known(connected(), "unknown")
    refuse(sandbox, "wrong_token")
    look(connection)
    Connection.objects.update(problem="", health="healthy")
    edit(connection, Changes(connection.name, None, "all", projects=None), by=CLOCK, now=datetime.now(UTC))
    assert Connection.objects.get().problem == ""


def test_entering_a_refused_token_again_is_not_answered_with_extend(
    pages: Client, connected: Callable[..., Connection], sandbox: Sandbox, token_of: Token
) -> None:
    connection = connected()
    refuse(sandbox, "wrong_token")
    look(connection)
    data = {"token": token_of("full"), "expires": "30", "token_reach": "one"}
    page = pages.post(reverse("connections:update-token", args=[connection.pk]), data).content.decode()
    assert "no longer accepts it. Create a new one there." in page
    assert "extended" not in page.replace("It can't be extended or regenerated.", "")


@pytest.mark.parametrize("refused", [True, False])
def test_the_page_of_a_new_token_offers_to_extend_only_what_still_lives(
    pages: Client, connected: Connected, sandbox: Sandbox, refused: bool
) -> None:
    connection = connected()
    if refused:
        refuse(sandbox, "wrong_token")
        look(connection)
    page = pages.get(reverse("connections:update-token", args=[connection.pk])).content.decode()
    assert ("I extended the same token" in page) is not refused
    assert ("Create a new token, or regenerate this one, in" in page) is not refused
    assert ("It can't be extended or regenerated." in page) is refused
    step = pages.get(f"{reverse('connections:rotation-step')}?at=1&steps={connection.pk}").content.decode()
    assert ("I extended the same token" in step) is not refused


@pytest.mark.parametrize(
    ("fields", "is_dead"),
    [
        ({"expires_on": None}, False),
        ({"expires_on": date(2026, 11, 24)}, False),
        ({"expires_on": date(2026, 11, 23)}, True),
        # It was extended, and nobody recorded the new date.
        ({"expires_on": date(2026, 11, 22), "checked_at": datetime(2026, 11, 23, 12, tzinfo=UTC)}, False),
        ({"expires_on": date(2026, 11, 23), "checked_at": datetime(2026, 11, 23, 12, tzinfo=UTC)}, True),
        ({"health": "rejected", "problem": "token_refused"}, True),
        ({"health": "rejected", "problem": "conditional_access"}, False),
        ({"health": "unreachable", "problem": "timed_out"}, False),
    ],
)
def test_a_token_is_dead_when_it_is_refused_or_its_day_has_passed(fields: dict[str, Any], is_dead: bool) -> None:
    connection = Connection(**({"health": "healthy"} | fields))
    assert connection.is_token_dead(today=date(2026, 11, 24)) is is_dead
