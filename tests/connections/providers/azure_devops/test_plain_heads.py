"""Heads of answers mean exactly what they mean to http.client, also where it does not read them."""

import http.client
import io
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connections.providers.azure_devops.plain_heads import plain_head
from connections.providers.azure_devops.sessions import new_session
from tests.connections.providers.azure_devops.conftest import Serve
from tests.connections.providers.azure_devops.loopback import always, answer

BODY = b"X-Body: this is no header\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"


class Socket:
    """As much of a socket as http.client needs."""

    def __init__(self, content: bytes) -> None:
        stream: Any = io.BytesIO(content)
        self.file = io.BufferedReader(stream)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return self.file


def by_http_client(content: bytes) -> tuple[http.client.HTTPResponse, bytes]:
    """What http.client reads, and the rest."""
    socket: Any = Socket(content)
    response = http.client.HTTPResponse(socket)
    response.begin()
    return response, socket.file.read()


names = st.sampled_from(
    [b"Content-Length", b"content-length", b"Transfer-Encoding", b"Connection", b"X-Tfs", b"Set-Cookie", b"From", b"!"]
)
values = st.sampled_from(
    [b"0", b"17", b"007", b"chunked", b"Chunked", b"close", b"keep-alive, Close", b"a:b", b"\ta \t"]
)
odd = st.sampled_from([b" folded", b"X\xe9: y", b"X: \xe9", b"X: \x00", b"no header", b": y", b"X : y", b"From x", b""])
ordinary = st.builds(
    lambda name, blank, value: name + b":" + blank + value, names, st.sampled_from([b"", b" "]), values
)
lines = st.builds(lambda line, end: line + end, ordinary, st.just(b"\r\n"))
odd_lines = st.builds(lambda line, end: line + end, ordinary | odd, st.sampled_from([b"\r\n", b"\n", b"\r"]))
first_lines = st.sampled_from(
    [OK, b"HTTP/1.1 404 Not Found\r\n", b"HTTP/1.1 500 \r\n", b"HTTP/1.1 299  a\tb \r\n", b"HTTP/1.0 200 OK\r\n"]
)
heads = st.builds(lambda first, listed: first + b"".join(listed), first_lines, st.lists(lines | odd_lines, max_size=8))


@given(heads)
@example(OK)
@example(OK + b"X: y\r\n" * 98)
def test_what_is_read_without_http_client_means_the_same_to_it(head: bytes) -> None:
    content = head + b"\r\n" + BODY
    source = Socket(content).file
    read = plain_head(source)
    if read is None:
        assert source.read() == content
        return
    expected, rest = by_http_client(content)
    assert expected.version == 11
    assert (read.status, read.reason) == (expected.status, expected.reason)
    assert read.headers.items() == expected.headers.items()
    assert (read.is_chunked, read.length, read.is_last) == (expected.chunked, expected.length, expected.will_close)
    assert source.read() == rest


def test_an_ordinary_head_is_read() -> None:
    read = plain_head(Socket(OK + b"ActivityId: 1\r\nContent-Length: 2\r\nactivityid: 3\r\n\r\n{}").file)
    assert read is not None
    assert (read.status, read.reason, read.length, read.is_last) == (200, "OK", 2, False)
    assert read.headers.get_all("ActivityId") == ["1", "3"]


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        b"HTTP/1.1 200\r\n\r\n",
        OK + b"X: y\r\n",
        OK + b"X: y\r\n folded\r\n\r\n",
        OK + b"X: \xe9\r\n\r\n",
        OK + b"X: y\n\r\n",
        OK + b"X : y\r\n\r\n",
        OK + b": y\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 1_000\r\n\r\n",
        OK + b"X: y\r\n" * 100 + b"\r\n",
        OK + b"X: " + b"y" * 70_000 + b"\r\n\r\n",
        b"",
    ],
)
def test_every_other_head_is_left_to_http_client(head: bytes) -> None:
    source = Socket(head).file
    assert plain_head(source) is None
    assert source.read() == head


def test_an_answer_to_head_has_no_body(serve: Serve) -> None:
    server = serve(always(answer(200, b"", ("Content-Length", "1000"))))
    with new_session({}, pool_size=1) as session:
        assert session.head(server.url, timeout=2.0).content == b""
