"""What can be read from an answer: words, waits, hosts, and what is kept of an error."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from connections.providers.azure_devops import entra_errors, errors, personal_tokens, sign_in_errors
from connections.providers.azure_devops.classification import classify
from connections.providers.azure_devops.errors import AzureDevOpsError
from connections.providers.azure_devops.responses import ANONYMOUS_ID, Response
from tests.connections.providers.azure_devops.conftest import SECRET
from tests.connections.providers.azure_devops.examples import envelope

JSON = {"content-type": "application/json; charset=utf-8"}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_an_error_keeps_what_support_asks_for(status: int) -> None:
    body = envelope("Ada Lovelace may not", "SomeException")
    trouble = classify(Response(status, JSON | {"activityid": "5f1c2d3e-0000-4000-8000-000000000000"}, body))
    assert trouble is not None
    assert trouble.activity_id == "5f1c2d3e-0000-4000-8000-000000000000"
    assert trouble.type_key == "SomeException"


def test_the_words_of_a_refusal_are_kept_apart_from_what_is_logged() -> None:
    trouble = classify(Response(403, JSON, envelope("Ada Lovelace may not", "SomeException")))
    assert trouble is not None
    assert trouble.said == "Ada Lovelace may not"
    assert "Ada" not in f"{trouble}{trouble!r}{trouble.detail}"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("VS402904: User maya@example.com may not.", "VS402904: User … may not."),
        ("identity 'tenant\\maya@example.com', scope", "identity '…', scope"),
        (f"Token {SECRET} is old", "Token [redacted] is old"),
        ("First line.\r\n   at Some.Stack.Trace()", "First line."),
        ("x " * 400, ("x " * 400)[:300]),
        ("", ""),
    ],
)
def test_the_words_are_shown_without_addresses_secrets_and_stack_traces(message: str, said: str) -> None:
    trouble = classify(Response(400, JSON, envelope(message, "SomeException")))
    assert trouble is not None
    assert trouble.said == said


@pytest.mark.parametrize(
    "body", [b"plain text", b"<html>page</html>", b'{"value": {"Message": "x"}}', b'{"message": 7}']
)
def test_only_azure_devops_own_words_are_shown(body: bytes) -> None:
    trouble = classify(Response(400, JSON, body))
    assert trouble is not None
    assert trouble.said == ""


@pytest.mark.parametrize(
    "headers", [{"x-vss-e2eid": "5f1c2d3e-aaaa"}, {"activityid": "5f1c2d3e-aaaa", "x-vss-e2eid": "z"}]
)
def test_either_header_names_the_activity(headers: dict[str, str]) -> None:
    assert Response(500, headers, b"").activity_id == "5f1c2d3e-aaaa"


@pytest.mark.parametrize("odd", ["", "<script>", "a" * 65, "not a guid at all", "5f1c\n2d3e"])
def test_an_activity_that_is_no_guid_is_not_kept(odd: str) -> None:
    assert Response(500, {"activityid": odd}, b"").activity_id is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30.0), (" 0 ", 0.0), ("-5", 0.0), ("1.5", 1.5), ("1e9", 86400.0), ("inf", 86400.0), ("nan", None)],
)
def test_seconds_to_wait_are_between_nothing_and_a_day(text: str, seconds: float | None) -> None:
    assert Response(429, {"retry-after": text}, b"").retry_after == seconds


@pytest.mark.parametrize("text", ["", "soon", "Fri, 99 Nov 2026 99:99:99 GMT", "٣٠ minutes"])
def test_a_time_to_wait_that_is_none_is_not_known(text: str) -> None:
    assert Response(429, {"retry-after": text}, b"").retry_after is None


def test_a_date_to_wait_for_becomes_seconds() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    seconds = Response(429, {"retry-after": moment}, b"").retry_after
    assert seconds is not None
    assert 500 < seconds <= 600


def test_a_date_that_is_over_means_no_wait() -> None:
    assert Response(429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, b"").retry_after == 0.0


def test_a_throttled_call_says_how_long_to_wait() -> None:
    trouble = classify(Response(429, {"retry-after": "42"}, b""))
    assert isinstance(trouble, errors.Throttled)
    assert trouble.retry_after == 42.0


@pytest.mark.parametrize("body", [b'{"value": {"Message": "x"}}', b'{"value": [1]}', b"{}", b"[]", b"null", b"nope"])
def test_what_is_no_list_of_objects_is_never_an_empty_list(body: bytes) -> None:
    with pytest.raises(errors.UnexpectedAnswer):
        Response(200, JSON, body).json_list()


def test_an_empty_list_is_an_empty_list() -> None:
    assert Response(200, JSON, b'{"count": 0, "value": []}').json_list() == []


def test_the_anonymous_user_is_nobody() -> None:
    assert Response(200, {"x-vss-userdata": f"{ANONYMOUS_ID.upper()}:"}, b"{}").user_id is None


def every_error() -> list[type[AzureDevOpsError]]:
    found, waiting = [], [AzureDevOpsError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting.extend(kind.__subclasses__())
    return found


def test_every_error_has_a_code_of_its_own_that_the_tree_shows() -> None:
    assert personal_tokens.TokenLifecycleRefused in every_error()
    codes = [kind.code for kind in every_error()]
    assert len(set(codes)) == len(codes)
    trees = f"{errors.__doc__}{entra_errors.__doc__}{sign_in_errors.__doc__}"
    drawn = dict(re.findall(r"── (\w+) +(\w+)", trees))
    assert drawn == {kind.__name__: kind.code for kind in every_error() if kind is not AzureDevOpsError}


def test_every_error_names_its_code_in_its_text() -> None:
    assert str(errors.TokenExpired(detail="401 AccessCheckException")) == "token_expired: 401 AccessCheckException"
    assert str(errors.Throttled(retry_after=3.0)) == "throttled"


@pytest.mark.parametrize(
    ("kind", "transient"),
    [
        (errors.Throttled, True),
        (errors.TimedOut, True),
        (errors.DnsFailure, True),
        (errors.ConnectionFailed, True),
        (errors.ServerError, True),
        (errors.ProxyFailed, True),
        (errors.ProxyRefused, False),
        (errors.TlsFailure, False),
        (errors.OrganizationUnavailable, False),
        (errors.TokenRefused, False),
        (errors.UnexpectedAnswer, False),
    ],
)
def test_only_what_may_pass_by_itself_is_transient(kind: type[AzureDevOpsError], transient: bool) -> None:
    assert kind.transient is transient
