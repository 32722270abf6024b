"""Which scopes and how many days a new token gets, and which entry may be the old one."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connections.domain import renewal
from connections.domain.token_policy import Rule, TokenPolicy
from connections.providers.azure_devops.personal_tokens import LONGEST_NAME, TokenEntry

END = datetime(2027, 2, 20, 12, tzinfo=UTC)
EVERYTHING = ("vso.code_manage", "vso.build_execute", "vso.release_manage")


def entry(name: str = "mine", scope: str = "vso.code", valid_to: datetime | None = END, *here: str) -> TokenEntry:
    return TokenEntry(f"id of {name}", name, frozenset(scope.split()), None, valid_to, here or ("o",))


@pytest.mark.parametrize(
    ("verdicts", "scopes"),
    [
        ({"code_read": "granted", "build_read": "missing"}, ("vso.code",)),
        ({"code_read": "granted", "code_write": "granted", "code_manage": "missing"}, ("vso.code_write",)),
        ({"code_read": "granted", "release_manage": "unknown"}, ("vso.code", "vso.release_manage")),
        ({"code_read": "not_permitted"}, ("vso.code",)),
        ({"code_read": "missing"}, EVERYTHING),
        ({}, EVERYTHING),
    ],
)
def test_the_highest_scope_of_each_area_that_the_token_has(verdicts: dict[str, str], scopes: tuple[str, ...]) -> None:
    assert renewal.needed_scopes(verdicts) == scopes


def test_everything_we_use_can_be_asked_for() -> None:
    assert renewal.needed_scopes({"code_read": "granted"}, everything=True) == EVERYTHING


@pytest.mark.parametrize(
    ("rule", "advised", "longest", "usual"),
    [
        (Rule.REFUSE, 30, 30, 30),
        (Rule.WARN, 30, 365, 30),
        (Rule.ALLOW, 30, 365, 90),
        (Rule.WARN, 366, 365, 90),
        (Rule.REFUSE, 366, 365, 90),
    ],
)
def test_only_a_policy_that_refuses_limits_the_days_further_than_azure_devops(
    rule: Rule, advised: int, longest: int, usual: int
) -> None:
    policy = TokenPolicy(longest_life_days=advised, longest_life=rule)
    assert (renewal.longest_days(policy), renewal.usual_days(policy)) == (longest, usual)


def test_the_name_of_a_token_holds_the_whole_marker() -> None:
    marker = renewal.new_marker()
    assert marker != renewal.new_marker()
    name = renewal.name_of_token("x" * 300, marker)
    assert marker in name
    assert len(name) <= LONGEST_NAME


@pytest.mark.parametrize(
    ("made", "is_other"),
    [
        (entry(), False),
        (entry("earlier", "vso.code", END - timedelta(days=50)), False),
        (entry("here, in capitals", "vso.code", END, "O"), False),
        (entry("more", "vso.code vso.build"), True),
        (entry("later", "vso.code", END + timedelta(hours=1)), True),
        (entry("endless", "vso.code", None), True),
        (entry("elsewhere", "vso.code", END, "other"), True),
        (entry("there too", "vso.code", END, "o", "other"), True),
    ],
)
def test_a_token_that_was_not_asked_for_is_noticed(made: TokenEntry, is_other: bool) -> None:
    problem = renewal.deviation(made, scopes=["vso.code"], organization_id="o", not_after=END)
    assert problem == ("renewal_other_token" if is_other else "")


def test_a_token_of_all_organizations_was_not_asked_for() -> None:
    made = TokenEntry("id", "name", frozenset({"vso.code"}), None, END, None)
    assert renewal.deviation(made, scopes=["vso.code"], organization_id="o", not_after=END)


def test_candidates_that_fit_come_first_and_then_those_with_the_scopes() -> None:
    entries = [
        entry("b, other date", "vso.code", END + timedelta(days=9)),
        entry("A, fewer scopes", "vso.build"),
        entry("c, fits", "vso.code vso.build"),
        entry("d, made here"),
    ]
    found = renewal.candidates(
        entries, scopes=["vso.code"], expires_on=date(2027, 2, 20), excluded=["id of d, made here"]
    )
    assert [(one.name, one.fits) for one in found] == [
        ("c, fits", True),
        ("b, other date", False),
        ("A, fewer scopes", False),
    ]


def test_without_a_recorded_date_the_scopes_decide() -> None:
    (found,) = renewal.candidates([entry()], scopes=["vso.code"], expires_on=None, excluded=[])
    assert found.fits


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    "began",
    [
        datetime(2027, 2, 1, 23, 30, tzinfo=BERLIN),
        datetime(2027, 2, 1, 12, tzinfo=BERLIN),
        datetime(2027, 9, 1, 0, 30, tzinfo=BERLIN),
    ],
)
def test_a_token_never_ends_on_a_later_day_than_the_days_that_were_asked_for(began: datetime) -> None:
    end = renewal.valid_until(began, 90)
    assert end.astimezone(BERLIN).date() <= began.date() + timedelta(days=90)
    assert timedelta(days=90) - timedelta(hours=1) <= end - began.astimezone(UTC) <= timedelta(days=90)
