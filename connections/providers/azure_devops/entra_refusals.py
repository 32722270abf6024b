"""What an unsuccessful answer of Microsoft Entra's token endpoint means.

The OAuth word in "error" decides whether it is a refusal. The AADSTS number only chooses among the texts, because
Microsoft changes numbers; and the description is never kept, because it may repeat what was sent.
https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import re
from typing import Any

from connections.providers.azure_devops import entra_errors, errors
from connections.providers.azure_devops.responses import Response
from connections.providers.azure_devops.text import cut

_REFUSALS = frozenset(
    {
        "access_denied",
        "interaction_required",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_resource",
        "invalid_scope",
        "invalid_target",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)
_NUMBER = re.compile(r"\bAADSTS(\d{1,9})(?!\d)")
_GUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ")
_BY_NUMBER: dict[int, type[errors.EntraRefused]] = {
    7000215: entra_errors.EntraSecretWrong,
    7000222: entra_errors.EntraSecretEnded,
    700016: entra_errors.EntraApplicationUnknown,
    700011: entra_errors.EntraApplicationUnknown,
    90002: entra_errors.EntraTenantUnknown,
    900023: entra_errors.EntraTenantUnknown,
    7000112: entra_errors.EntraApplicationDisabled,
    70001: entra_errors.EntraApplicationDisabled,
    700027: entra_errors.EntraCertificateUnknown,
    700024: entra_errors.EntraAssertionOutOfTime,
    50027: entra_errors.EntraAssertionInvalid,
    50012: entra_errors.EntraAssertionInvalid,
    50013: entra_errors.EntraAssertionInvalid,
    70021: entra_errors.EntraFederationMismatch,
    700211: entra_errors.EntraFederationMismatch,
    700212: entra_errors.EntraFederationMismatch,
    700213: entra_errors.EntraFederationMismatch,
    70025: entra_errors.EntraFederationMismatch,
    53003: entra_errors.EntraBlockedByPolicy,
    530032: entra_errors.EntraBlockedByPolicy,
    530035: entra_errors.EntraBlockedByPolicy,
    500011: entra_errors.EntraWithoutAzureDevOps,
    650052: entra_errors.EntraWithoutAzureDevOps,
    7000218: entra_errors.EntraSecretMissing,
    700025: entra_errors.EntraPublicClient,
    90038: entra_errors.EntraOtherCloud,
    900382: entra_errors.EntraOtherCloud,
}
# Entra is busy or asks for fewer requests, whatever else the answer says.
_BUSY = frozenset({50196, 90006, 90012, 90024, 90033, 90055})


def refusal_of(answer: Response) -> errors.AzureDevOpsError:
    """The error that an unsuccessful answer means. Only a clear refusal becomes `EntraRefused`."""
    body = _body(answer)
    number = _number_in(body)
    word = body.get("error")
    if answer.status == 429 or answer.status >= 500 or number in _BUSY or word == "temporarily_unavailable":
        return _error(errors.EntraBusy, answer, body, number)
    if answer.status in (400, 401, 403) and isinstance(word, str) and word in _REFUSALS:
        return _error(_BY_NUMBER.get(number, errors.EntraRefused), answer, body, number)
    return _error(errors.EntraUnexpectedAnswer, answer, body, number)


def _body(answer: Response) -> dict[str, Any]:
    return answer.json_object() if answer.is_object else {}


def _number_in(body: dict[str, Any]) -> int:
    """The number of the refusal; 0 if there is none."""
    numbers = body.get("error_codes")
    if isinstance(numbers, list) and numbers and isinstance(numbers[0], int):
        return numbers[0]
    description = body.get("error_description")
    return number_in(description) if isinstance(description, str) else 0


def number_in(description: str) -> int:
    """The number of the refusal that a description names; 0 if it names none."""
    found = _NUMBER.search(cut(description))
    return int(found.group(1)) if found else 0


def _error(
    kind: type[errors.AzureDevOpsError], answer: Response, body: dict[str, Any], number: int
) -> errors.AzureDevOpsError:
    trace, correlation = _matching(_GUID, body.get("trace_id")), _matching(_GUID, body.get("correlation_id"))
    at = _matching(_TIME, body.get("timestamp"))
    given = {"": f"AADSTS{number}" if number else "", "trace": trace, "correlation": correlation, "time": at}
    support = ", ".join(f"{name} {value}".strip() for name, value in given.items() if value)
    return kind(
        detail=f"{answer.status} {support}".strip(),
        status=answer.status,
        activity_id=trace or None,
        retry_after=answer.retry_after,
        host=answer.host,
        support=support,
    )


def _matching(pattern: re.Pattern[str], value: object) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""
