"""When Azure DevOps is asked about a leaked token, and what proves that the token is dead."""

from datetime import UTC, datetime, timedelta

import pytest

from connections.domain.leak_proof import is_proof, next_ask
from connections.providers.azure_devops import entra_errors, errors

DECLARED = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def waits(seconds: float = 0.0) -> list[int]:
    """The seconds after the declaration at which questions are due, asked without any delay."""
    found, at = [], DECLARED + timedelta(seconds=seconds)
    while (due := next_ask(DECLARED, after=at)) is not None:
        found.append(round((due - DECLARED).total_seconds()))
        at = due
    return found


def test_the_first_questions_come_soon_and_the_others_every_five_minutes() -> None:
    assert waits()[:5] == [5, 15, 60, 300, 600]


def test_the_last_question_comes_after_two_hours() -> None:
    assert waits()[-1] == 7200


def test_missed_questions_are_not_made_up_for() -> None:
    assert waits(3601)[0] == 3900


@pytest.mark.parametrize(
    "kind",
    [errors.TokenRefused, errors.TokenExpired, errors.Anonymous, entra_errors.EntraSecretWrong],
)
def test_a_rejection_by_azure_devops_itself_proves_it(kind: type[errors.AzureDevOpsError]) -> None:
    assert is_proof(kind(activity_id="0b0f1f8e-2b9c-4f0e-9a64-0d8a5b0f0c11"))


@pytest.mark.parametrize("kind", [errors.TokenRefused, errors.Anonymous])
def test_the_same_without_an_activity_id_does_not(kind: type[errors.AzureDevOpsError]) -> None:
    assert not is_proof(kind())


@pytest.mark.parametrize(
    "kind",
    [
        errors.SignInRequired,
        errors.EmptyRefusal,
        errors.PrincipalRefused,
        errors.EntraRefused,
        errors.EntraBusy,
        errors.NotAMember,
        errors.ConditionalAccess,
        errors.GlobalTokenBlocked,
        errors.OrganizationNotFound,
        errors.Throttled,
        errors.GatewayRefused,
        errors.ForeignPage,
        errors.Redirected,
        errors.ProxyRefused,
        errors.TimedOut,
        errors.ServerError,
        errors.Maintenance,
        errors.UnexpectedAnswer,
    ],
)
def test_no_other_answer_proves_it(kind: type[errors.AzureDevOpsError]) -> None:
    assert not is_proof(kind(activity_id="0b0f1f8e-2b9c-4f0e-9a64-0d8a5b0f0c11"))
