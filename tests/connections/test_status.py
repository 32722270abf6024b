"""The rules of health and news: a table, every pair of it, and arbitrary sequences of looks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.azure_devops.capabilities import CAPABILITIES, Finding, Verdict
from connections.azure_devops.types import Identity
from connections.checks import WRITE_PROBES_OFF, Report, Trouble
from connections.status import (
    LOOKS_BEFORE_NEWS,
    OUTAGE_BEFORE_NEWS,
    Health,
    Known,
    News,
    Sight,
    Standing,
    health_of,
    is_certain,
    news,
    next_status,
    sight_of,
)

NOW = datetime(2026, 11, 24, tzinfo=UTC)
REPEATS = 3
GOOD = Report(
    finished_at=NOW,
    elapsed=0.1,
    identity=Identity("1", "Maya"),
    organization_id="2",
    findings=tuple(Finding(one.key, Verdict.GRANTED) for one in CAPABILITIES),
)
SHORT, LONG = timedelta(minutes=5), OUTAGE_BEFORE_NEWS
BUILD, RELEASE = frozenset({"build_read"}), frozenset({"release_read"})


def with_verdict(verdict: Verdict, reason: str = "") -> Report:
    return replace(GOOD, findings=(*GOOD.findings[:-1], Finding("release_manage", verdict, reason)))


def failed(code: str, *, transient: bool) -> Report:
    return replace(GOOD, identity=None, trouble=Trouble(code, transient))


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
        (GOOD, (), Sight.PROVED),
        (GOOD, BUILD, Sight.LACKING),
        (failed("token_refused", transient=False), (), Sight.REFUSED),
        (failed("organization_not_found", transient=False), (), Sight.REFUSED),
        (failed("timed_out", transient=True), BUILD, Sight.TROUBLE),
        (failed("throttled", transient=True), (), Sight.TROUBLE),
        (failed("tls_failure", transient=False), (), Sight.TROUBLE),
        (failed("proxy_refused", transient=False), (), Sight.TROUBLE),
        (failed("server_too_old", transient=False), (), Sight.TROUBLE),
        (failed("unexpected_answer", transient=False), (), Sight.TROUBLE),
    ],
)
def test_what_a_look_shows(report: Report, lacking: tuple[str, ...], sight: Sight) -> None:
    assert sight_of(report, lacking=lacking) is sight


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
    [(before, sight, after) for before, row in TABLE.items() for sight, after in zip(Sight, row, strict=True)],
)
def test_every_pair_of_health_and_look(before: Health, sight: Sight, after: str) -> None:
    """A look is trouble, and with two troubles before it an outage."""
    troubles = REPEATS - 1 if sight is Sight.OUTAGE else 0
    look = Sight.TROUBLE if sight is Sight.OUTAGE else sight
    assert next_status(Standing(before, "", troubles), look, "why", repeats=REPEATS).health == after


def test_the_table_names_every_health() -> None:
    assert set(TABLE) == set(Health)


@pytest.mark.parametrize(
    ("before", "sight", "after"),
    [
        (Standing(Health.HEALTHY), Sight.REFUSED, Standing(Health.REJECTED, "why")),
        (Standing(Health.HEALTHY), Sight.TROUBLE, Standing(Health.HEALTHY, "", 1)),
        (Standing(Health.HEALTHY, "", 2), Sight.TROUBLE, Standing(Health.UNREACHABLE, "why", 3)),
        (Standing(Health.UNREACHABLE, "old", 3), Sight.TROUBLE, Standing(Health.UNREACHABLE, "why", 4)),
        (Standing(Health.REJECTED, "old", 9), Sight.TROUBLE, Standing(Health.REJECTED, "old", 10)),
        (Standing(Health.HEALTHY, "", 2), Sight.PROVED, Standing(Health.HEALTHY, "why", 0)),
    ],
)
def test_the_problem_shown_is_that_of_the_health_shown(before: Standing, sight: Sight, after: Standing) -> None:
    assert next_status(before, sight, "why", repeats=REPEATS) == after


@given(st.lists(st.sampled_from((Sight.PROVED, Sight.LACKING, Sight.REFUSED, Sight.TROUBLE)), max_size=40))
def test_any_sequence_of_looks_shows_the_last_answer_or_an_outage_that_repeated(sights: list[Sight]) -> None:
    answers = {Sight.PROVED: Health.HEALTHY, Sight.LACKING: Health.LIMITED, Sight.REFUSED: Health.REJECTED}
    standing = Standing(Health.HEALTHY)
    last_answer, troubles = Health.HEALTHY, 0
    for sight in sights:
        standing = next_status(standing, sight, "why", repeats=REPEATS)
        troubles = troubles + 1 if sight is Sight.TROUBLE else 0
        last_answer = answers.get(sight, last_answer)
        is_outage = troubles >= REPEATS and last_answer is not Health.REJECTED
        assert standing.health is (Health.UNREACHABLE if is_outage else last_answer)
        assert standing.troubles_in_a_row == troubles


H, L, R, U = Health.HEALTHY, Health.LIMITED, Health.REJECTED, Health.UNREACHABLE
NEWS = {
    Health.HEALTHY: (None, News.LIMITED, News.REJECTED, News.UNREACHABLE),
    Health.LIMITED: (News.RECOVERED, News.LIMITED, News.REJECTED, News.UNREACHABLE),
    Health.REJECTED: (News.RECOVERED, News.LIMITED, None, News.UNREACHABLE),
    Health.UNREACHABLE: (News.RECOVERED, News.LIMITED, News.REJECTED, None),
    Health.NOT_CHECKED: (None, News.LIMITED, News.REJECTED, News.UNREACHABLE),
}


@pytest.mark.parametrize(
    ("told", "now_is", "expected"),
    [(told, now_is, what) for told, row in NEWS.items() for now_is, what in zip((H, L, R, U), row, strict=True)],
)
def test_what_is_news_for_every_pair(told: Health, now_is: Health, expected: News | None) -> None:
    """Whoever was told of a limit lacks Build; now Release is lacking too."""
    lacking = BUILD | RELEASE if now_is is Health.LIMITED else frozenset()
    assert news(Known(told, BUILD), Known(now_is, lacking)) is expected


@pytest.mark.parametrize("quiet", [Health.NOT_CHECKED, Health.DISABLED])
def test_nothing_is_news_of_what_was_not_looked_at(quiet: Health) -> None:
    assert news(Known(Health.HEALTHY), Known(quiet)) is None


@pytest.mark.parametrize(
    ("told", "expected"), [(L, None), (R, News.RECOVERED), (U, News.RECOVERED), (H, None), (Health.NOT_CHECKED, None)]
)
def test_a_limit_that_people_know_is_news_only_as_the_end_of_something_worse(
    told: Health, expected: News | None
) -> None:
    assert news(Known(told, BUILD), Known(L, BUILD)) is expected


@pytest.mark.parametrize(
    ("what", "looks", "lasted", "confirmed", "expected"),
    [
        (News.REJECTED, 1, LONG, False, False),
        (News.REJECTED, 2, SHORT, False, True),
        (News.REJECTED, 1, SHORT, True, True),
        (News.LIMITED, 1, LONG, False, False),
        (News.LIMITED, 2, SHORT, False, True),
        (News.UNREACHABLE, 9, SHORT, False, False),
        (News.UNREACHABLE, 0, LONG, False, True),
        (News.RECOVERED, 1, SHORT, False, True),
    ],
)
def test_when_it_is_time_to_tell(what: News, looks: int, lasted: timedelta, confirmed: bool, expected: bool) -> None:
    assert is_certain(what, looks=looks, lasted=lasted, confirmed=confirmed) is expected


def test_a_second_look_is_needed_and_enough() -> None:
    assert LOOKS_BEFORE_NEWS == 2
