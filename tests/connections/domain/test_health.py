"""The rules of health and news: a table, every pair of it, and arbitrary sequences of looks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.domain.health import (
    CONFIRMATIONS_NEEDED,
    OUTAGE_BEFORE_MAIL,
    AuditOutcome,
    Health,
    HealthState,
    NotifiedState,
    StatusChange,
    health_of,
    next_state,
    outcome_of,
    should_notify,
    status_change,
)
from connections.domain.verification import WRITE_PROBES_OFF, Failure, Report
from connections.providers.azure_devops.capabilities import CAPABILITIES
from connections.providers.capability import Finding, Verdict
from connections.providers.organization import Identity

NOW = datetime(2026, 11, 24, tzinfo=UTC)
REPEATS = 3
GOOD = Report(
    finished_at=NOW,
    elapsed=0.1,
    identity=Identity("1", "Maya"),
    organization_id="2",
    findings=tuple(Finding(one.key, Verdict.GRANTED) for one in CAPABILITIES),
)
SHORT, LONG = timedelta(minutes=5), OUTAGE_BEFORE_MAIL
BUILD, RELEASE = frozenset({"build_read"}), frozenset({"release_read"})


def with_verdict(verdict: Verdict, reason: str = "") -> Report:
    return replace(GOOD, findings=(*GOOD.findings[:-1], Finding("release_manage", verdict, reason)))


def failed(code: str, *, transient: bool) -> Report:
    return replace(GOOD, identity=None, failure=Failure(code, transient))


def test_everything_granted_is_healthy() -> None:
    assert health_of(GOOD) is Health.HEALTHY


@pytest.mark.parametrize("verdict", [Verdict.MISSING, Verdict.NOT_PERMITTED, Verdict.UNKNOWN])
def test_anything_less_than_proved_is_limited(verdict: Verdict) -> None:
    assert health_of(with_verdict(verdict)) is Health.LIMITED


def test_what_the_operator_switched_off_does_not_limit() -> None:
    assert health_of(with_verdict(Verdict.UNKNOWN, WRITE_PROBES_OFF)) is Health.HEALTHY


@pytest.mark.parametrize(
    ("report", "lacking", "sight"),
    [
        (GOOD, (), AuditOutcome.PROVED),
        (GOOD, BUILD, AuditOutcome.LACKING),
        (failed("token_refused", transient=False), (), AuditOutcome.REFUSED),
        (failed("organization_not_found", transient=False), (), AuditOutcome.REFUSED),
        (failed("timed_out", transient=True), BUILD, AuditOutcome.INCONCLUSIVE),
        (failed("throttled", transient=True), (), AuditOutcome.INCONCLUSIVE),
        (failed("tls_failure", transient=False), (), AuditOutcome.INCONCLUSIVE),
        (failed("proxy_refused", transient=False), (), AuditOutcome.INCONCLUSIVE),
        (failed("server_too_old", transient=False), (), AuditOutcome.INCONCLUSIVE),
        (failed("unexpected_answer", transient=False), (), AuditOutcome.INCONCLUSIVE),
    ],
)
def test_what_a_look_shows(report: Report, lacking: tuple[str, ...], sight: AuditOutcome) -> None:
    assert outcome_of(report, lacking=lacking) is sight


TABLE = {
    Health.HEALTHY: ("healthy", "limited", "rejected", "healthy", "unreachable"),
    Health.LIMITED: ("healthy", "limited", "rejected", "limited", "unreachable"),
    Health.REJECTED: ("healthy", "limited", "rejected", "rejected", "rejected"),
    Health.UNREACHABLE: ("healthy", "limited", "rejected", "unreachable", "unreachable"),
    Health.NOT_CHECKED: ("healthy", "limited", "rejected", "not_checked", "unreachable"),
    Health.DISABLED: ("healthy", "limited", "rejected", "disabled", "unreachable"),
}


@pytest.mark.parametrize(
    ("before", "sight", "after"),
    [(before, sight, after) for before, row in TABLE.items() for sight, after in zip(AuditOutcome, row, strict=True)],
)
def test_every_pair_of_health_and_look(before: Health, sight: AuditOutcome, after: str) -> None:
    """A look is trouble, and with two troubles before it an outage."""
    troubles = REPEATS - 1 if sight is AuditOutcome.OUTAGE else 0
    look = AuditOutcome.INCONCLUSIVE if sight is AuditOutcome.OUTAGE else sight
    assert next_state(HealthState(before, "", troubles), look, "why", repeats=REPEATS).health == after


def test_the_table_names_every_health() -> None:
    assert set(TABLE) == set(Health)


@pytest.mark.parametrize(
    ("before", "sight", "after"),
    [
        (HealthState(Health.HEALTHY), AuditOutcome.REFUSED, HealthState(Health.REJECTED, "why")),
        (HealthState(Health.HEALTHY), AuditOutcome.INCONCLUSIVE, HealthState(Health.HEALTHY, "", 1)),
        (HealthState(Health.HEALTHY, "", 2), AuditOutcome.INCONCLUSIVE, HealthState(Health.UNREACHABLE, "why", 3)),
        (
            HealthState(Health.UNREACHABLE, "old", 3),
            AuditOutcome.INCONCLUSIVE,
            HealthState(Health.UNREACHABLE, "why", 4),
        ),
        (HealthState(Health.REJECTED, "old", 9), AuditOutcome.INCONCLUSIVE, HealthState(Health.REJECTED, "old", 10)),
        (HealthState(Health.HEALTHY, "", 2), AuditOutcome.PROVED, HealthState(Health.HEALTHY, "why", 0)),
    ],
)
def test_the_problem_shown_is_that_of_the_health_shown(
    before: HealthState, sight: AuditOutcome, after: HealthState
) -> None:
    assert next_state(before, sight, "why", repeats=REPEATS) == after


@given(
    st.lists(
        st.sampled_from((AuditOutcome.PROVED, AuditOutcome.LACKING, AuditOutcome.REFUSED, AuditOutcome.INCONCLUSIVE)),
        max_size=40,
    )
)
def test_any_sequence_of_looks_shows_the_last_answer_or_an_outage_that_repeated(sights: list[AuditOutcome]) -> None:
    answers = {
        AuditOutcome.PROVED: Health.HEALTHY,
        AuditOutcome.LACKING: Health.LIMITED,
        AuditOutcome.REFUSED: Health.REJECTED,
    }
    standing = HealthState(Health.HEALTHY)
    last_answer, troubles = Health.HEALTHY, 0
    for sight in sights:
        standing = next_state(standing, sight, "why", repeats=REPEATS)
        troubles = troubles + 1 if sight is AuditOutcome.INCONCLUSIVE else 0
        last_answer = answers.get(sight, last_answer)
        is_outage = troubles >= REPEATS and last_answer is not Health.REJECTED
        assert standing.health is (Health.UNREACHABLE if is_outage else last_answer)
        assert standing.consecutive_failures == troubles


H, L, R, U = Health.HEALTHY, Health.LIMITED, Health.REJECTED, Health.UNREACHABLE
NEWS = {
    Health.HEALTHY: (None, StatusChange.LIMITED, StatusChange.REJECTED, StatusChange.UNREACHABLE),
    Health.LIMITED: (StatusChange.RECOVERED, StatusChange.LIMITED, StatusChange.REJECTED, StatusChange.UNREACHABLE),
    Health.REJECTED: (StatusChange.RECOVERED, StatusChange.LIMITED, None, StatusChange.UNREACHABLE),
    Health.UNREACHABLE: (StatusChange.RECOVERED, StatusChange.LIMITED, StatusChange.REJECTED, None),
    Health.NOT_CHECKED: (None, StatusChange.LIMITED, StatusChange.REJECTED, StatusChange.UNREACHABLE),
}


@pytest.mark.parametrize(
    ("told", "now_is", "expected"),
    [(told, now_is, what) for told, row in NEWS.items() for now_is, what in zip((H, L, R, U), row, strict=True)],
)
def test_what_is_news_for_every_pair(told: Health, now_is: Health, expected: StatusChange | None) -> None:
    """Whoever was told of a limit lacks Build; now Release is lacking too."""
    lacking = BUILD | RELEASE if now_is is Health.LIMITED else frozenset()
    assert status_change(NotifiedState(told, BUILD), NotifiedState(now_is, lacking)) is expected


@pytest.mark.parametrize("quiet", [Health.NOT_CHECKED, Health.DISABLED])
def test_nothing_is_news_of_what_was_not_looked_at(quiet: Health) -> None:
    assert status_change(NotifiedState(Health.HEALTHY), NotifiedState(quiet)) is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [(L, None), (R, StatusChange.RECOVERED), (U, StatusChange.RECOVERED), (H, None), (Health.NOT_CHECKED, None)],
)
def test_a_limit_that_people_know_is_news_only_as_the_end_of_something_worse(
    told: Health, expected: StatusChange | None
) -> None:
    assert status_change(NotifiedState(told, BUILD), NotifiedState(L, BUILD)) is expected


@pytest.mark.parametrize(
    ("what", "looks", "lasted", "confirmed", "expected"),
    [
        (StatusChange.REJECTED, 1, LONG, False, False),
        (StatusChange.REJECTED, 2, SHORT, False, True),
        (StatusChange.REJECTED, 1, SHORT, True, True),
        (StatusChange.LIMITED, 1, LONG, False, False),
        (StatusChange.LIMITED, 2, SHORT, False, True),
        (StatusChange.UNREACHABLE, 9, SHORT, False, False),
        (StatusChange.UNREACHABLE, 0, LONG, False, True),
        (StatusChange.RECOVERED, 1, SHORT, False, True),
    ],
)
def test_when_it_is_time_to_tell(
    what: StatusChange, looks: int, lasted: timedelta, confirmed: bool, expected: bool
) -> None:
    assert should_notify(what, confirmations=looks, lasted=lasted, confirmed=confirmed) is expected


def test_a_second_look_is_needed_and_enough() -> None:
    assert CONFIRMATIONS_NEEDED == 2
