"""Whatever goes wrong, neither the token nor its base64 is on the error, behind it, around it, or in the log."""

import base64
import logging
import socket
import traceback
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType, ModuleType, TracebackType
from typing import Any

import pytest

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.transport import Transport, successful
from tests.connections.providers.azure_devops.authority import Authority
from tests.connections.providers.azure_devops.conftest import SECRET, MakeTransport, Serve
from tests.connections.providers.azure_devops.loopback import Seen, Wire, always, answer, json_answer, nobody

BASE64 = base64.b64encode(b":" + SECRET.encode()).decode()
TRACES = (SECRET, BASE64, BASE64[8:-8], SECRET[:30], SECRET[30:])
PROJECTS = ("_apis", "projects")
SMALL = 2000


def traces_in(text: str) -> list[str]:
    return [trace for trace in TRACES if trace in text]


# What was not made by the call, or may know the token and shows it to nobody.
_OPAQUE = (PersonalAccessToken, ModuleType, type, FunctionType, MethodType, BuiltinFunctionType, socket.socket)


def _inside(thing: Any) -> Iterator[Any]:
    if isinstance(thing, dict):
        yield from thing.keys()
        yield from thing.values()
    elif isinstance(thing, (list, tuple, set, frozenset)):
        yield from thing
    elif isinstance(thing, TracebackType):
        yield from (thing.tb_frame, thing.tb_next)
    elif isinstance(thing, FrameType):
        if "/tests/" not in thing.f_code.co_filename:
            yield from thing.f_locals.values()
    else:
        yield from getattr(thing, "__dict__", {}).values()
        slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
        yield from (getattr(thing, name, None) for name in slots)
    if isinstance(thing, BaseException):
        yield from (thing.args, thing.__cause__, thing.__context__, thing.__traceback__)


def everything_reachable_from(start: Any) -> Iterator[str]:
    """Every text that can be reached from `start`, through exceptions, frames and whatever they hold."""
    waiting, seen = [start], []
    known: set[int] = set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in known or isinstance(thing, _OPAQUE):
            continue
        known.add(id(thing))
        seen.append(thing)  # keeps it alive, so that its id is not used again
        if isinstance(thing, str):
            yield thing
        elif isinstance(thing, (bytes, bytearray)):
            yield bytes(thing).decode("latin-1")
        else:
            waiting.extend(_inside(thing))


def said_about(trouble: BaseException) -> str:
    """What an error report would hold: the chain, with the local variables of every frame."""
    report = traceback.TracebackException.from_exception(trouble, capture_locals=True)
    return "\n".join([str(trouble), repr(trouble), repr(vars(trouble)), *report.format(chain=True)])


def hang(_seen: Seen, wire: Wire) -> None:
    wire.hang()


def reset(_seen: Seen, wire: Wire) -> None:
    wire.reset()


ECHO = f"Hello {SECRET} and {BASE64}"
ECHOES = (("ActivityId", SECRET[:60]), ("X-VSS-E2EID", BASE64[:60]), ("X-TFS-ServiceError", ECHO))
SCRIPTS = {
    "too slow": hang,
    "cut off": reset,
    "too large": always(answer(200, b"x" * (SMALL + 1))),
    "not HTTP": always(ECHO.encode() + b"\r\n\r\n"),
    "not gzip": always(answer(200, b"x", ("Content-Encoding", "gzip"))),
    "redirect": always(answer(302, b"", ("Location", f"/x?{SECRET}"))),
    "empty refusal": always(answer(401, b"", ("WWW-Authenticate", "Basic realm=x"))),
    "refusal with an echo": always(answer(401, ECHO.encode(), *ECHOES)),
    "type with an echo": always(json_answer({"typeKey": SECRET, "message": ECHO}, *ECHOES, status=400)),
    "type with the encoded echo": always(json_answer({"typeKey": BASE64, "message": ECHO}, *ECHOES, status=404)),
    "content type with an echo": always(answer(500, b"x", ("Content-Type", f"text/{SECRET}"), *ECHOES)),
    "content type with the encoded echo": always(answer(403, b"x", ("Content-Type", f"text/{BASE64}"), *ECHOES)),
    "page with an echo": always(answer(203, f"<html>{ECHO}".encode(), ("Content-Type", "text/html"), *ECHOES)),
}


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "urllib3.connectionpool", "requests"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def error_of(asking: Transport, method: str = "GET") -> errors.AzureDevOpsError:
    with pytest.raises(errors.AzureDevOpsError) as raised:
        successful(asking.ask(method, PROJECTS, json=None if method == "GET" else {"a": "b"}))
    return raised.value


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_an_error_shows_no_token(
    serve: Serve, transport: MakeTransport, log: pytest.LogCaptureFixture, name: str, method: str
) -> None:
    server = serve(SCRIPTS[name])
    trouble = error_of(transport(server.url, deadline=0.5, max_bytes=SMALL), method)
    assert server.seen[0]["Authorization"] == f"Basic {BASE64}"
    assert traces_in(f"{trouble} {trouble!r} {vars(trouble)}") == []
    assert traces_in(log.text) == []


# Without an echo, not even a look around with every local variable finds it.
SILENT = ("too slow", "cut off", "too large", "not gzip", "empty refusal")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", SILENT)
def test_no_token_can_be_reached_from_an_error(serve: Serve, transport: MakeTransport, name: str, method: str) -> None:
    trouble = error_of(transport(serve(SCRIPTS[name]).url, deadline=0.5, max_bytes=SMALL), method)
    assert traces_in(said_about(trouble)) == []
    assert [text for text in everything_reachable_from(trouble) if traces_in(text)] == []


def refused(_serve: Serve, transport: MakeTransport, _authority: Authority) -> Transport:
    return transport(f"http://127.0.0.1:{nobody()}")


def untrusted(serve: Serve, transport: MakeTransport, authority: Authority) -> Transport:
    return transport(serve(tls=authority.server("127.0.0.1")).url)


def refused_by_the_proxy(serve: Serve, transport: MakeTransport, _authority: Authority) -> Transport:
    return transport("https://azure.test", proxy=serve(always(answer(407))).url)


def without_an_address(_serve: Serve, transport: MakeTransport, _authority: Authority) -> Transport:
    return transport("https://azure.test", proxy=f"http://{'a' * 70}.test:8080")


def impossible_name(_serve: Serve, transport: MakeTransport, _authority: Authority) -> Transport:
    return transport("https://127.0.0.1", "..")


@pytest.mark.parametrize("arrange", [refused, untrusted, refused_by_the_proxy, without_an_address, impossible_name])
def test_no_token_can_be_reached_from_an_error_on_the_way(
    serve: Serve,
    transport: MakeTransport,
    authority: Authority,
    log: pytest.LogCaptureFixture,
    arrange: Callable[[Serve, MakeTransport, Authority], Transport],
) -> None:
    trouble = error_of(arrange(serve, transport, authority))
    assert traces_in(said_about(trouble)) == []
    assert [text for text in everything_reachable_from(trouble) if traces_in(text)] == []
    assert traces_in(log.text) == []


def test_a_fault_of_the_library_itself_shows_no_token(
    serve: Serve, transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(_pool: object, method: str, url: str, headers: object, **_more: object) -> None:
        raise RuntimeError(f"cannot send {method} {url} {headers}")

    monkeypatch.setattr("urllib3.connectionpool.HTTPConnectionPool.urlopen", break_down)
    trouble = error_of(transport(serve().url))
    assert isinstance(trouble, errors.UnexpectedAnswer)
    assert traces_in(said_about(trouble)) == []
    assert [text for text in everything_reachable_from(trouble) if traces_in(text)] == []


def test_the_look_around_would_find_a_token() -> None:
    def leak() -> None:
        held = {"headers": [f"Basic {BASE64}"]}
        raise ValueError(len(held)) from KeyError(SECRET)

    with pytest.raises(ValueError) as raised:
        leak()
    found = [text for text in everything_reachable_from(raised.value) if traces_in(text)]
    assert found == [SECRET]
    assert traces_in(said_about(raised.value))


def test_success_logs_no_token(serve: Serve, transport: MakeTransport, log: pytest.LogCaptureFixture) -> None:
    transport(serve().url).get(PROJECTS)
    assert log.records
    assert traces_in(log.text) == []


def test_what_holds_the_token_does_not_show_it(
    transport: MakeTransport, client: Callable[..., AzureDevOpsClient]
) -> None:
    token = PersonalAccessToken(SECRET)
    asking = transport("https://azure.test")
    with AzureDevOpsClient(asking.server, "acme", token) as holding:
        shown = [f"{one} {one!r} {one:}" for one in (token, asking, holding, asking.server)]
        shown += [repr(vars(one)) for one in (asking, holding)]
    assert traces_in("\n".join(shown)) == []
