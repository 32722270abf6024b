"""Who is told when a connection's health changes, and when it is too early to tell."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from connections import clients
from connections.actions import status_changes as actions
from connections.actions.audit import audit
from connections.actions.audit_results import _update_health
from connections.actions.rotate import Replacement, rotate
from connections.domain.health import OUTAGE_BEFORE_MAIL, AuditOutcome, StatusChange
from connections.domain.verification import Failure, Report
from connections.models import Connection, Mail, RateLimitPause
from connections.notifications import notify
from connections.providers.azure_devops.credentials import PersonalAccessToken
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox

CLOCK = Actor("the clock")
LONG = OUTAGE_BEFORE_MAIL


@pytest.fixture
def connection(connected: Callable[..., Connection], maintainer: User) -> Connection:
    maintainer.email = "maya.owner@example.com"
    maintainer.save()
    return connected()


def look(connection: Connection) -> None:
    audit(connection, by=CLOCK, now=datetime.now(UTC), interactive=False)


def kinds() -> list[str]:
    return list(Mail.objects.order_by("pk").values_list("kind", flat=True))


def test_a_refusal_is_shown_at_once_mailed_after_a_second_look_and_recovery_once(
    connection: Connection, sandbox: Sandbox
) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.state = "revoked"
    look(connection)
    assert (connection.health, kinds()) == ("rejected", [])
    assert connection.next_check_at < datetime.now(UTC) + timedelta(minutes=6)
    look(connection)
    look(connection)
    assert kinds() == ["rejected"]
    token.state = "active"
    look(connection)
    look(connection)
    assert kinds() == ["rejected", "recovered"]


def test_a_look_that_got_no_answer_confirms_nothing(connection: Connection, sandbox: Sandbox) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.state = "revoked"
    look(connection)
    sandbox.behaviour.add("reset")
    look(connection)
    assert (connection.health, kinds()) == ("rejected", [])
    sandbox.behaviour.clear()
    look(connection)
    assert kinds() == ["rejected"]


def test_an_outage_does_not_hide_a_refusal_nor_repeat_its_mail(connection: Connection, sandbox: Sandbox) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.state = "revoked"
    look(connection)
    look(connection)
    sandbox.behaviour.add("reset")
    for _ in range(4):
        look(connection)
    assert connection.health == "rejected"
    Connection.objects.update(health_since=datetime.now(UTC) - LONG)
    connection.refresh_from_db()
    sandbox.behaviour.clear()
    look(connection)
    look(connection)
    assert kinds() == ["rejected"]


def test_one_probe_that_could_not_tell_changes_nothing(connection: Connection, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", path="build/definitions", status=503)
    look(connection)
    look(connection)
    assert (connection.health, kinds()) == ("healthy", [])
    assert connection.capabilities.get(capability="build_read").doubt == "server_error"


def test_a_second_lost_scope_is_news_to_those_who_know_the_first(
    connected: Callable[..., Connection], maintainer: User, sandbox: Sandbox
) -> None:
    maintainer.email = "maya.owner@example.com"
    maintainer.save()
    limited = connected(token="no-build")
    look(limited)
    look(limited)
    assert kinds() == []
    token = sandbox.state.token_named("no-build")
    assert token is not None
    token.scopes = ("vso.code_manage",)
    look(limited)
    look(limited)
    assert (limited.health, kinds()) == ("limited", ["limited"])
    token.scopes = ("vso.code_manage", "vso.release_manage")
    look(limited)
    token.scopes = ("vso.code_manage",)
    look(limited)
    look(limited)
    assert kinds() == ["limited", "limited"]


def test_a_look_that_got_no_answer_does_not_make_a_known_limit_news_again(
    connection: Connection, sandbox: Sandbox
) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.scopes = ("vso.code_manage", "vso.release_manage")
    look(connection)
    look(connection)
    sandbox.behaviour.add("reset")
    look(connection)
    sandbox.behaviour.clear()
    look(connection)
    look(connection)
    assert (connection.health, kinds()) == ("limited", ["limited"])


def test_a_new_token_that_heals_is_announced_once(
    connection: Connection, sandbox: Sandbox, maintainer: User, token_of: Callable[[str], str]
) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.state = "revoked"
    look(connection)
    look(connection)
    new = Replacement(PersonalAccessToken(token_of("full-again")), None, "one")
    rotate(connection, new, person=maintainer, by=CLOCK, now=datetime.now(UTC))
    assert kinds() == ["rejected", "recovered"]
    look(connection)
    assert kinds() == ["rejected", "recovered"]


def test_an_answer_about_a_token_that_was_replaced_meanwhile_is_thrown_away_and_told(
    connection: Connection, sandbox: Sandbox, maintainer: User, token_of: Callable[[str], str]
) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.state = "revoked"
    new = Replacement(PersonalAccessToken(token_of("full-again")), None, "one")
    check = clients.check_sequentially

    def replaced_while_asking(*where: Any) -> Report:
        found = check(*where)
        rotate(Connection.objects.get(), new, person=maintainer, by=CLOCK, now=datetime.now(UTC))
        return found

    with patch.object(clients, "check_sequentially", replaced_while_asking):
        look(connection)
    assert (connection.health, connection.problem, kinds()) == ("healthy", "", [])
    acts = Event.objects.filter(subject_kind="connection").order_by("pk")
    assert [one.kind for one in acts] == ["connection.connected", "connection.rotated", "connection.tested"]
    assert acts[2].detail == {"too_late": True}


def test_after_the_day_a_token_for_all_organizations_is_refused_with_the_right_cause(
    connection: Connection, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    Connection.objects.update(token_reach="all", expires_on=date(2027, 6, 1))
    connection.refresh_from_db()
    monkeypatch.setattr("connections.domain.expiry.GLOBAL_TOKENS_END", datetime.now(UTC).date())
    token = sandbox.state.token_named("full")
    assert token is not None
    token.state = "revoked"
    look(connection)
    assert (connection.problem, kinds()) == ("global_tokens_ended", [])
    look(connection)
    assert (connection.problem, kinds()) == ("global_tokens_ended", ["rejected"])
    assert "Microsoft stopped accepting such tokens on 1 December 2026" in Mail.objects.get().text


def test_a_token_that_ends_before_its_date_is_mailed_after_a_second_look(
    connection: Connection, sandbox: Sandbox
) -> None:
    Connection.objects.update(expires_on=datetime.now(UTC).date() + timedelta(days=60))
    connection.refresh_from_db()
    token = sandbox.state.token_named("full")
    assert token is not None
    token.state = "revoked"
    look(connection)
    assert (connection.problem, kinds()) == ("token_ended_early", [])
    look(connection)
    assert (connection.problem, kinds()) == ("token_ended_early", ["rejected"])
    assert "before its expiry date" in Mail.objects.get().text


def test_what_azure_devops_calls_expired_corrects_the_recorded_date(connection: Connection, sandbox: Sandbox) -> None:
    Connection.objects.update(expires_on=datetime.now(UTC).date() + timedelta(days=60))
    connection.refresh_from_db()
    token = sandbox.state.token_named("full")
    assert token is not None
    token.state = "expired"
    look(connection)
    assert connection.expires_on == datetime.now(UTC).date()
    assert Event.objects.latest("pk").detail["expires_on"] == str(connection.expires_on)


def test_a_lost_scope_is_mailed_after_a_second_look_with_what_to_tick(connection: Connection, sandbox: Sandbox) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.scopes = ("vso.code_manage", "vso.release_manage")
    look(connection)
    assert kinds() == []
    look(connection)
    assert kinds() == ["limited"]
    assert "Build: Read & execute" in Mail.objects.get().text


@pytest.mark.parametrize("fault", ["reset", "throttle", "status"])
def test_trouble_on_the_way_changes_no_expiry_and_mails_nobody(
    connection: Connection, sandbox: Sandbox, fault: str
) -> None:
    before = connection.expires_on
    sandbox.behaviour.add(fault)
    for _ in range(4):
        look(connection)
        RateLimitPause.objects.all().delete()
    assert (connection.health, connection.expires_on, kinds()) == ("unreachable", before, [])
    sandbox.behaviour.clear()
    look(connection)
    assert (connection.health, kinds()) == ("healthy", [])


def test_a_long_outage_is_told_once(connection: Connection, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", status=503)
    for _ in range(3):
        look(connection)
    Connection.objects.update(health_since=datetime.now(UTC) - LONG)
    connection.refresh_from_db()
    look(connection)
    look(connection)
    assert kinds() == ["unreachable"]


LACKING = frozenset({"build_read"})
TROUBLES = {
    AuditOutcome.REFUSED: Failure("token_refused", transient=False),
    AuditOutcome.INCONCLUSIVE: Failure("timed_out", transient=True),
}
looks_and_waits = st.tuples(
    st.sampled_from((AuditOutcome.PROVED, AuditOutcome.LACKING, AuditOutcome.REFUSED, AuditOutcome.INCONCLUSIVE)),
    st.sampled_from((1, 5, 60, 240, 1500)),
)


@given(st.lists(looks_and_waits, max_size=40))
def test_any_sequence_of_looks_tells_nothing_twice_in_a_row_nothing_early_and_no_recovery_from_nothing(
    sequence: list[tuple[AuditOutcome, int]],
) -> None:
    began = now = datetime(2026, 11, 24, tzinfo=UTC)
    connection = Connection(health="healthy", notified_health="healthy", health_since=began, token_reach="one")
    told: list[tuple[StatusChange, datetime]] = []
    seen: list[AuditOutcome] = []
    with patch.object(notify, "notify_status_change", lambda _connection, what, *, now: told.append((what, now))):
        for sight, minutes in sequence:
            now += timedelta(minutes=minutes)
            before = len(told)
            _look(connection, sight, at=now)
            seen.append(sight)
            if len(told) > before:
                _is_the_right_news(told[-1][0], seen, outage=now - connection.health_since)
    kinds = [what for what, _ in told]
    assert all(one is not following for one, following in pairwise(kinds))
    assert StatusChange.RECOVERED not in kinds[:1]


def _look(connection: Connection, sight: AuditOutcome, *, at: datetime) -> None:
    """One look as an audit takes it."""
    report = Report(finished_at=at, elapsed=0.1, failure=TROUBLES.get(sight))
    before = _update_health(connection, sight, report)
    look = actions.Observation(
        LACKING if sight is AuditOutcome.LACKING else frozenset(),
        answered=sight is not AuditOutcome.INCONCLUSIVE,
        seen_again=before == connection.health,
    )
    actions.apply_observation(connection, look, at=at)


def _is_the_right_news(what: StatusChange, seen: list[AuditOutcome], *, outage: timedelta) -> None:
    answers = [sight for sight in seen if sight is not AuditOutcome.INCONCLUSIVE]
    if what is StatusChange.REJECTED:
        assert answers[-2:] == [AuditOutcome.REFUSED] * 2
    elif what is StatusChange.LIMITED:
        assert answers[-2:] == [AuditOutcome.LACKING] * 2
    elif what is StatusChange.UNREACHABLE:
        assert seen[-3:] == [AuditOutcome.INCONCLUSIVE] * 3
        assert outage >= LONG
    else:
        assert seen[-1] in (AuditOutcome.PROVED, AuditOutcome.LACKING)
