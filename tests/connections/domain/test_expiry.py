"""The rules that need no database: expiry and words."""

import inspect
import re
from datetime import date, timedelta
from itertools import product

import pytest

from connections.domain import expiry
from connections.domain.health import Expiry, Health, shown_states
from connections.domain.problems import catalogue
from connections.providers.azure_devops import errors


@pytest.mark.parametrize(
    ("health", "end", "expected"),
    [
        (Health.HEALTHY, Expiry.FINE, [Health.HEALTHY]),
        (Health.HEALTHY, Expiry.SOON, [Expiry.SOON]),
        (Health.LIMITED, Expiry.FINE, [Health.LIMITED]),
        (Health.LIMITED, Expiry.SOON, [Health.LIMITED, Expiry.SOON]),
        (Health.REJECTED, Expiry.EXPIRED, [Expiry.EXPIRED, Health.REJECTED]),
        (Health.HEALTHY, Expiry.NOT_RECORDED, [Expiry.NOT_RECORDED]),
        (Health.NOT_CHECKED, Expiry.SOON, [Expiry.SOON]),
        (Health.DISABLED, Expiry.EXPIRED, [Health.DISABLED]),
    ],
)
def test_two_states_that_need_attention_are_both_shown(health: Health, end: Expiry, expected: list[object]) -> None:
    assert list(shown_states(health, end)) == expected


def test_every_pair_of_states_shows_one_or_both() -> None:
    for health, end in product(Health, Expiry):
        assert 1 <= len(shown_states(health, end)) <= 2
        assert {health, end} >= set(shown_states(health, end))


@pytest.mark.parametrize(
    ("day", "state", "words"),
    [
        (None, Expiry.NOT_RECORDED, "not recorded, add a date"),
        (date(2026, 11, 23), Expiry.EXPIRED, "expired yesterday"),
        (date(2026, 11, 24), Expiry.SOON, "today"),
        (date(2026, 11, 25), Expiry.SOON, "tomorrow"),
        (date(2026, 12, 24), Expiry.SOON, "in 30 days"),
        (date(2026, 12, 25), Expiry.FINE, "in 31 days"),
        (date(2026, 11, 1), Expiry.EXPIRED, "expired 23 days ago"),
    ],
)
def test_expiry_is_counted_in_days(day: date | None, state: Expiry, words: str) -> None:
    today = date(2026, 11, 24)
    assert expiry.expiry_of(day, today) is state
    assert expiry.in_words(day, today) == words


@pytest.mark.parametrize(
    ("left", "tone"),
    [(400, "quiet"), (31, "quiet"), (30, "warn"), (8, "warn"), (7, "bad"), (1, "bad"), (0, "bad"), (-1, "bad")],
)
def test_the_scale_is_neutral_over_30_days_amber_to_8_and_red_from_7(left: int, tone: str) -> None:
    today = date(2026, 11, 24)
    assert expiry.tone_of(today + timedelta(days=left), today) == expiry.tone_of_days(left) == tone


def test_a_missing_date_has_a_tone_of_its_own() -> None:
    assert expiry.tone_of(None, date(2026, 11, 24)) == "info"


BEFORE, AFTER = date(2026, 11, 30), date(2026, 12, 1)


@pytest.mark.parametrize(
    ("code", "expires_on", "is_global", "today", "cause"),
    [
        ("token_refused", date(2027, 1, 1), False, BEFORE, "token_ended_early"),
        ("anonymous", date(2027, 1, 1), False, BEFORE, "token_ended_early"),
        ("token_refused", BEFORE, False, BEFORE, "token_refused"),
        ("token_refused", None, False, BEFORE, "token_refused"),
        ("token_expired", date(2027, 1, 1), False, BEFORE, "token_expired"),
        ("sign_in_required", date(2027, 1, 1), False, BEFORE, "sign_in_required"),
        ("timed_out", date(2027, 1, 1), True, AFTER, "timed_out"),
        ("token_refused", None, True, BEFORE, "token_refused"),
        ("token_refused", None, True, AFTER, "global_tokens_ended"),
        ("anonymous", date(2027, 1, 1), True, AFTER, "global_tokens_ended"),
        ("global_token_blocked", None, True, BEFORE, "global_token_blocked"),
        ("global_token_blocked", None, True, AFTER, "global_tokens_ended"),
        ("token_refused", None, False, AFTER, "token_refused"),
        ("sign_in_required", None, True, AFTER, "global_tokens_ended"),
        ("sign_in_required", None, True, BEFORE, "sign_in_required"),
        ("sign_in_required", None, False, AFTER, "sign_in_required"),
        ("token_refused", None, None, AFTER, "global_tokens_ended_likely"),
        ("anonymous", None, None, AFTER, "global_tokens_ended_likely"),
        ("sign_in_required", None, None, AFTER, "global_tokens_ended_likely"),
        ("token_refused", date(2027, 1, 1), None, AFTER, "global_tokens_ended_likely"),
        ("token_refused", date(2027, 1, 1), None, BEFORE, "token_ended_early"),
        ("token_refused", None, None, BEFORE, "token_refused"),
        ("global_token_blocked", None, None, BEFORE, "global_token_blocked"),
        ("global_token_blocked", None, None, AFTER, "global_tokens_ended"),
        ("token_expired", None, None, AFTER, "token_expired"),
        ("not_a_member", None, None, AFTER, "not_a_member"),
        ("conditional_access", None, True, AFTER, "conditional_access"),
        ("blocked_by_policy", None, None, AFTER, "blocked_by_policy"),
        ("throttled", None, True, AFTER, "throttled"),
    ],
)
def test_a_refusal_gets_the_cause_that_is_known(
    code: str, expires_on: date | None, is_global: bool | None, today: date, cause: str
) -> None:
    found = expiry.cause_of_refusal(code, expires_on=expires_on, all_organizations=is_global, today=today)
    assert found == cause
    assert cause in catalogue.PROBLEMS


@pytest.mark.parametrize("is_global", [True, None])
def test_refusals_that_began_before_the_day_are_not_laid_to_it(is_global: bool | None) -> None:
    found = expiry.cause_of_refusal(
        "token_refused", expires_on=None, all_organizations=is_global, today=AFTER, since=BEFORE
    )
    assert found == "token_refused"


def test_every_error_has_words_of_its_own() -> None:
    codes = {
        kind.code
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.AzureDevOpsError)
    }
    assert codes - set(catalogue.PROBLEMS) == {"azure_devops_error", "unreachable"}


def test_every_problem_says_what_happened_and_what_to_do() -> None:
    for problem in catalogue.PROBLEMS.values():
        assert all((problem.title, problem.explanation, problem.next_step)), problem.code
        assert "!" not in problem.title + problem.explanation + problem.next_step


def test_no_problem_of_a_dead_token_says_to_extend_or_regenerate_it() -> None:
    for code in expiry.DEAD_TOKEN:
        for place in ("organization", "collection"):
            problem = catalogue.problem(code, place=place)
            assert "extend" not in problem.next_step, code
            assert "regenerate" not in problem.next_step, code
            if (code, place) != ("sign_in_required", "collection"):
                assert re.search(
                    r"create a new (client )?(one|token|secret|certificate)", problem.next_step, re.IGNORECASE
                ), code


def test_the_causes_of_the_guide_have_different_words() -> None:
    told = [catalogue.problem(code) for code in catalogue.TROUBLESHOOTING]
    assert len({(one.title, one.explanation, one.next_step) for one in told}) == len(catalogue.TROUBLESHOOTING)
