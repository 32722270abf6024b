"""Log lines: text or JSON, with the ids of what is under way, and never a secret."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from structlog.contextvars import bound_contextvars

from core import logs

TOKEN = "a1" * 38 + "AZDO" + "b2c3"
Lines = Callable[..., Any]


@pytest.fixture
def written() -> Iterator[Callable[..., list[str]]]:
    """Configures a handler as the product does and gives the lines: `written(as_json=True)`, log, call again."""
    out = StringIO()
    handler = logging.StreamHandler(out)
    configuration = logs.configuration(level="INFO", as_json=False)
    from logging.config import DictConfigurator

    builder = DictConfigurator(configuration)
    for name in configuration["handlers"]["console"]["filters"]:
        handler.addFilter(builder.configure_filter(dict(configuration["filters"][name])))
    logger = logging.getLogger("product.test")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)

    def lines(*, as_json: bool = False) -> list[str]:
        if handler.formatter is None:
            handler.setFormatter(logs.Formatter(as_json=as_json))
        return out.getvalue().splitlines()

    yield lines
    logger.removeHandler(handler)


log = logging.getLogger("product.test")


def test_a_line_is_read_by_people(written: Lines) -> None:
    written()
    with bound_contextvars(request_id="r-1", connection_id=7):
        log.warning("It took %s s", 3, extra={"status": 502})
    (line,) = written()
    assert line.endswith("WARNING product.test: It took 3 s [request_id=r-1 connection_id=7 status=502]")


def test_a_line_is_read_by_machines(written: Lines) -> None:
    written(as_json=True)
    with bound_contextvars(request_id="r-1", task_id="t-1"):
        log.info("Grüße an %s", "alle", extra={"activity_id": "a-1", "session": "s-1", "seconds": 0.25})
    (line,) = written()
    found = json.loads(line)
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "request_id": "r-1",
        "task_id": "t-1",
        "session": "s-1",
        "activity_id": "a-1",
        "seconds": 0.25,
        "level": "info",
        "logger": "product.test",
        "event": "Grüße an alle",
    }


def test_only_known_facts_stand_beside_a_message(written: Lines) -> None:
    written(as_json=True)
    log.info("x", extra={"request": object(), "token": TOKEN})
    assert set(json.loads(written()[0])) == {"timestamp", "level", "logger", "event"}


def fail_with(secret: str) -> None:
    raise ValueError(f"refused:\n{secret}\nby the server")


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("secret", [TOKEN, "k" * 52, "Basic " + "QUJD" * 20])
def test_a_secret_is_in_no_line_wherever_it_stands(written: Lines, as_json: bool, secret: str) -> None:
    written(as_json=as_json)
    try:
        fail_with(secret)
    except ValueError:
        log.exception("It failed with %s", secret, extra={"path": f"/x/{secret}"})
    with bound_contextvars(request_id=secret):
        log.info("a\n%s\tb", {"inside": [secret]})
    everything = "\n".join(written())
    assert "[redacted]" in everything
    assert secret not in everything


def test_a_traceback_is_in_the_same_json_line(written: Lines) -> None:
    written(as_json=True)
    try:
        fail_with("nothing")
    except ValueError:
        log.exception("It failed")
    (line,) = written()
    assert "ValueError: refused:" in json.loads(line)["exception"]


def test_a_page_that_somebody_may_not_see_is_no_traceback(written: Lines) -> None:
    written()
    try:
        raise PermissionDenied
    except PermissionDenied:
        log.warning("Forbidden", exc_info=sys.exc_info())
    assert len(written()) == 1


def test_one_line_stays_one_line(written: Lines) -> None:
    written(as_json=True)
    log.info("first\nsecond\r\nthird")
    assert len(written()) == 1


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("address", ["/calendar/{}", "/reminders/stop/{}/", "/password/choose/MQ/{}/"])
def test_an_address_that_is_a_secret_is_in_no_line(written: Lines, as_json: bool, address: str) -> None:
    written(as_json=as_json)
    log.warning("Not Found: %s", address.format("secret-of-a-link"), extra={"path": address.format("secret-of-a-link")})
    assert "secret-of-a-link" not in written()[0]
