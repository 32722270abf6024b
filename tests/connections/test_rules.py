"""The rules that need no database: status, expiry, words."""

import inspect
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from connections import expiry, messages
from connections.azure_devops import errors
from connections.azure_devops.capabilities import CAPABILITIES, Finding, Verdict
from connections.azure_devops.types import Identity
from connections.checks import WRITE_PROBES_OFF, Report, Trouble
from connections.status import Expiry, Health, Standing, health_of, next_status, worse

NOW = datetime(2026, 11, 24, tzinfo=UTC)
GOOD = Report(
    finished_at=NOW,
    elapsed=0.1,
    identity=Identity("1", "Maya"),
    organization_id="2",
    findings=tuple(Finding(one.key, Verdict.GRANTED) for one in CAPABILITIES),
)


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


def test_a_refusal_is_shown_at_once() -> None:
    after = next_status(Standing(Health.HEALTHY), failed("token_refused", transient=False), repeats=3)
    assert after == Standing(Health.REJECTED, "token_refused")


def test_one_outage_is_not_news() -> None:
    after = next_status(Standing(Health.HEALTHY), failed("timed_out", transient=True), repeats=3)
    assert after == Standing(Health.HEALTHY, "", troubles_in_a_row=1)


def test_the_third_outage_in_a_row_is_news() -> None:
    standing = Standing(Health.HEALTHY)
    for _ in range(3):
        standing = next_status(standing, failed("timed_out", transient=True), repeats=3)
    assert standing == Standing(Health.UNREACHABLE, "timed_out", troubles_in_a_row=3)


def test_an_answer_between_two_outages_begins_the_count_anew() -> None:
    standing = Standing(Health.HEALTHY, troubles_in_a_row=2)
    assert next_status(standing, GOOD, repeats=3) == Standing(Health.HEALTHY)


def test_an_outage_does_not_heal_a_refusal() -> None:
    rejected = Standing(Health.REJECTED, "token_expired")
    after = next_status(rejected, failed("dns_failure", transient=True), repeats=3)
    assert (after.health, after.problem) == (Health.REJECTED, "token_expired")


@pytest.mark.parametrize(
    ("health", "end", "expected"),
    [
        (Health.HEALTHY, Expiry.FINE, Health.HEALTHY),
        (Health.HEALTHY, Expiry.SOON, Expiry.SOON),
        (Health.LIMITED, Expiry.SOON, Health.LIMITED),
        (Health.REJECTED, Expiry.EXPIRED, Expiry.EXPIRED),
        (Health.HEALTHY, Expiry.NOT_RECORDED, Expiry.NOT_RECORDED),
        (Health.DISABLED, Expiry.EXPIRED, Health.DISABLED),
    ],
)
def test_the_chip_shows_the_worse_of_both_axes(health: Health, end: Expiry, expected: object) -> None:
    assert worse(health, end) is expected


def test_every_pair_of_states_has_a_worse_one() -> None:
    assert all(worse(health, end) in (health, end) for health in Health for end in Expiry)


@pytest.mark.parametrize(
    ("day", "state", "words"),
    [
        (None, Expiry.NOT_RECORDED, "not recorded, add a date"),
        (date(2026, 11, 23), Expiry.EXPIRED, "yesterday"),
        (date(2026, 11, 24), Expiry.SOON, "today"),
        (date(2026, 11, 25), Expiry.SOON, "tomorrow"),
        (date(2026, 12, 24), Expiry.SOON, "in 30 days"),
        (date(2026, 12, 25), Expiry.FINE, "in 31 days"),
        (date(2026, 11, 1), Expiry.EXPIRED, "23 days ago"),
    ],
)
def test_expiry_is_counted_in_days(day: date | None, state: Expiry, words: str) -> None:
    today = date(2026, 11, 24)
    assert expiry.expiry_of(day, today) is state
    assert expiry.in_words(day, today) == words


def test_every_error_has_words_of_its_own() -> None:
    codes = {
        kind.code
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.AzureDevOpsError)
    }
    assert codes - set(messages.PROBLEMS) == {"azure_devops_error", "unreachable"}


def test_every_problem_says_what_happened_and_what_to_do() -> None:
    for problem in messages.PROBLEMS.values():
        assert all((problem.title, problem.explanation, problem.next_step)), problem.code
        assert "!" not in problem.title + problem.explanation + problem.next_step


def test_the_causes_of_the_guide_have_different_words() -> None:
    told = [messages.problem(code) for code in messages.TROUBLESHOOTING]
    assert len({(one.title, one.explanation, one.next_step) for one in told}) == len(messages.TROUBLESHOOTING)


def test_every_capability_says_what_it_is_for() -> None:
    assert set(messages.PURPOSES) == {one.key for one in CAPABILITIES}


def test_there_are_six_security_practices() -> None:
    assert len(messages.SECURITY_PRACTICES) == 6
