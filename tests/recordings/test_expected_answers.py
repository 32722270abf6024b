"""Expected answers that are marked as recorded, held against the recordings."""

import json

import pytest

from expected_answers import ExpectedAnswer, expected_answers
from expected_answers.observation import differences, observe
from tests.recordings.exchanges import Exchange

EXPECTED = {answer.id: answer for answer in expected_answers().answers}
# Which recorded exchanges a situation has, by the id of the expected answer: the families, and the status.
RECORDED = {
    "connection_data": ("location-connectiondata-get-200-",),
    "projects": ("core-projects-get-200-",),
    "list": ("build-definitions-get-200-",),
    "scope_missing": ("distributedtask-pools-queues-agents-get-401-", "settings-delete-401-"),
}


def headers_of(exchange: Exchange) -> dict[str, str]:
    listed = exchange.recorded["response"].get("headers") or {}
    return {name.lower(): ", ".join(value) if isinstance(value, list) else str(value) for name, value in listed.items()}


def points_of(answer: ExpectedAnswer, exchange: Exchange) -> tuple[str, ...]:
    headers = headers_of(exchange)
    body = b"" if exchange.body in (None, "") else json.dumps(exchange.body).encode()
    asker = headers.get("x-vss-userdata", "").partition(":")[0]
    return differences(
        answer, observe(expected_answers(), status=exchange.status, headers=headers, body=body, asker=asker)
    )


def is_list(exchange: Exchange) -> bool:
    return isinstance(exchange.body, dict) and isinstance(exchange.body.get("value"), list)


@pytest.mark.parametrize("id_", RECORDED)
def test_what_is_marked_as_recorded_is_in_the_recordings(exchanges: dict[str, Exchange], id_: str) -> None:
    answer = EXPECTED[id_]
    with_headers = [
        exchange
        for exchange in exchanges.values()
        if exchange.id.startswith(RECORDED[id_]) and exchange.recorded["meta"]["provenance"] == "recorded-http"
    ]
    fitting = [exchange for exchange in with_headers if is_list(exchange) or "value" not in answer.keys]
    assert fitting
    assert {exchange.id: points_of(answer, exchange) for exchange in fitting} == {
        exchange.id: () for exchange in fitting
    }
    assert answer.mark == "recorded"
