"""The decision table: each row decides its own examples, and the documentation says the same."""

import re
from pathlib import Path

import pytest

from connections.domain.health import REFUSALS, AuditOutcome, outcome_of
from connections.domain.verification import Failure, Report
from connections.providers.azure_devops import errors
from connections.providers.azure_devops.classification import TABLE, classify, row_for
from connections.providers.azure_devops.errors import AzureDevOpsError
from connections.providers.azure_devops.responses import Response
from tests.connections.domain.test_health import NOW
from tests.connections.providers.azure_devops.examples import (
    BASIC,
    ENTRA,
    EXAMPLES,
    EXPIRED,
    HTML,
    JSON,
    NOTHING,
    OCTETS,
    RETRY,
    TOO_MUCH,
    Example,
    envelope,
    to,
)

DOCUMENTATION = Path(__file__).resolve().parents[4] / "docs" / "answers.md"
CASES = [(row.name, example) for row in TABLE for example in EXAMPLES.get(row.name, ())]


@pytest.mark.parametrize(("row", "example"), CASES, ids=[f"{row}: {example.situation}" for row, example in CASES])
def test_each_answer_is_decided_by_its_row(row: str, example: Example) -> None:
    decided_by = row_for(example.answer)
    trouble = classify(example.answer)
    assert decided_by.name == row
    assert type(trouble) is decided_by.error
    assert trouble.status == example.status


def test_every_row_has_an_example() -> None:
    assert [row.name for row in TABLE if not EXAMPLES.get(row.name)] == []
    assert set(EXAMPLES) == {row.name for row in TABLE}


def test_the_documentation_has_the_same_rows_in_the_same_order() -> None:
    written = re.findall(r"^\| ([^|]+) \| `(\w+)` \|", DOCUMENTATION.read_text(), re.MULTILINE)
    assert written == [(row.name, row.error.code) for row in TABLE]


# What may reject a stored token; everything else is trouble on the way.
REJECTING = {
    "application not added",
    "application of another tenant",
    "application without access",
    "expired",
    "global token refused by policy",
    "conditional access",
    "another policy",
    "organization stopped",
    "owner never signed in",
    "redirect to the sign-in",
    "sign-in page",
    "owner not a member",
    "token refused",
    "not permitted",
    "organization not found",
    "organization not found, in words",
    "not permitted, as another status",
}


@pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
def test_only_what_azure_devops_itself_says_rejects_a_stored_token(row: object) -> None:
    assert isinstance(row, type(TABLE[0]))
    trouble = Failure(row.error.code, row.error.transient)
    report = Report(finished_at=NOW, elapsed=0.0, failure=trouble)
    expected = AuditOutcome.REFUSED if row.name in REJECTING else AuditOutcome.INCONCLUSIVE
    assert outcome_of(report, lacking=()) is expected


def test_no_refusal_is_transient() -> None:
    assert REFUSALS.isdisjoint(errors.TRANSIENT_CODES)
    assert REFUSALS.isdisjoint(errors.NO_ANSWER_CODES)


def test_a_redirect_names_the_host_it_leads_to() -> None:
    trouble = classify(Response(302, to("https://blocked.example.com:8443/why?secret=1"), b"", host="dev.azure.com"))
    assert trouble is not None
    assert trouble.host == "blocked.example.com"


@pytest.mark.parametrize("location", ["https://a b/", "https:///x", "https://<script>/", "https://[::1/"])
def test_a_redirect_to_what_is_no_host_names_none(location: str) -> None:
    trouble = classify(Response(302, to(location), b"", host="dev.azure.com"))
    assert isinstance(trouble, errors.Redirected)
    assert "<" not in trouble.host
    assert " " not in trouble.host


def test_a_foreign_page_names_the_host_that_was_asked() -> None:
    trouble = classify(Response(200, HTML, b"<html>Blocked</html>", host="devops.example.com"))
    assert isinstance(trouble, errors.ForeignPage)
    assert trouble.host == "devops.example.com"


@pytest.mark.parametrize("kind", [(401, JSON | RETRY, errors.Throttled), (503, RETRY, errors.Maintenance)])
def test_a_wait_that_is_known_is_kept(kind: tuple[int, dict[str, str], type[AzureDevOpsError]]) -> None:
    status, headers, meaning = kind
    trouble = classify(Response(status, headers, b""))
    assert type(trouble) is meaning
    assert trouble.retry_after == 37.0


@pytest.mark.parametrize(("status", "body"), [(200, b"{}"), (201, b'{"id": 1}'), (202, b"{}"), (204, b"")])
@pytest.mark.parametrize("more", [NOTHING, BASIC, RETRY])
def test_a_success_is_no_trouble_whatever_stands_beside_it(status: int, body: bytes, more: dict[str, str]) -> None:
    assert classify(Response(status, JSON | more, body)) is None


@pytest.mark.parametrize("body", [b"\0\1", b"", b"<html>a page of the repository</html>", b"{}"])
def test_the_bytes_of_a_file_may_be_anything(body: bytes) -> None:
    assert classify(Response(200, OCTETS, body), content="bytes") is None


@pytest.mark.parametrize(
    ("status", "headers", "body", "meaning"),
    [
        (203, OCTETS, b"", errors.ForeignPage),
        (200, HTML, b"", errors.ForeignPage),
        (200, JSON, b"", errors.UnexpectedAnswer),
        (200, NOTHING, b"", errors.UnexpectedAnswer),
        (302, OCTETS, b"", errors.Redirected),
        (401, OCTETS | BASIC, b"", errors.EmptyRefusal),
        (401, OCTETS, b"", errors.GatewayRefused),
        (200, HTML, b"<title>Azure DevOps Services | Sign In</title>", errors.SignInRequired),
    ],
)
def test_what_does_not_come_as_bytes_is_no_file(
    status: int, headers: dict[str, str], body: bytes, meaning: type[AzureDevOpsError]
) -> None:
    assert type(classify(Response(status, headers, body), content="bytes")) is meaning


@pytest.mark.parametrize("words", [EXPIRED, ENTRA, TOO_MUCH, "TF24668:"])
def test_what_a_success_quotes_is_content_and_no_refusal(words: str) -> None:
    assert classify(Response(200, JSON, envelope(words))) is None
