"""No answer is larger than we are willing to read, however small it comes over the wire."""

import gzip
import tracemalloc
import zlib

import pytest

from connections.providers.azure_devops import errors
from tests.connections.providers.azure_devops.conftest import MakeTransport, Serve
from tests.connections.providers.azure_devops.loopback import Seen, Wire, always, answer

PROJECTS = ("_apis", "projects")
LIMIT = 100_000
ACTIVITY = ("ActivityId", "5f1c2d3e-0000-4000-8000-000000000000")


def chunked(body: bytes, *, size: int = 8000) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def quoted(length: int) -> bytes:
    return b'"' + b"x" * (length - 2) + b'"'


def test_an_answer_as_large_as_the_cap_is_read(serve: Serve, transport: MakeTransport) -> None:
    server = serve(always(answer(200, quoted(LIMIT))))
    assert len(transport(server.url, max_bytes=LIMIT).ask("GET", PROJECTS).body) == LIMIT


@pytest.mark.parametrize("status", [200, 302, 401, 500])
def test_one_byte_more_is_too_large_whatever_the_status(serve: Serve, transport: MakeTransport, status: int) -> None:
    server = serve(always(answer(status, quoted(LIMIT + 1), ("Location", "/elsewhere"), ACTIVITY)))
    with pytest.raises(errors.AnswerTooLarge) as raised:
        transport(server.url, max_bytes=LIMIT).ask("GET", PROJECTS)
    assert raised.value.status == status
    assert raised.value.activity_id == ACTIVITY[1]


def test_chunks_without_end_are_too_large(serve: Serve, transport: MakeTransport) -> None:
    head = answer(200, b"", ("Transfer-Encoding", "chunked"))

    def for_ever(_seen: Seen, wire: Wire) -> None:
        wire.drip(head, b"2000\r\n" + b"x" * 0x2000 + b"\r\n", every=0)

    with pytest.raises(errors.AnswerTooLarge):
        transport(serve(for_ever).url, max_bytes=LIMIT).ask("GET", PROJECTS)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("in_chunks", [False, True], ids=["whole", "chunked"])
def test_a_compressed_answer_is_read(serve: Serve, transport: MakeTransport, encoding: str, in_chunks: bool) -> None:
    body = (gzip.compress if encoding == "gzip" else zlib.compress)(b'{"a": 1}')
    headers = [("Content-Encoding", encoding)]
    if in_chunks:
        body, headers = chunked(body), [*headers, ("Transfer-Encoding", "chunked")]
    server = serve(always(answer(200, body, *headers)))
    assert transport(server.url).get(PROJECTS).json_object() == {"a": 1}


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """A third of a gigabyte in a third of a megabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(b"\0" * 2**20) for _ in range(320)) + packer.flush()


@pytest.mark.parametrize("status", [200, 302])
@pytest.mark.parametrize("in_chunks", [False, True], ids=["whole", "chunked"])
def test_a_bomb_is_cut_off_before_it_fills_the_memory(
    serve: Serve, transport: MakeTransport, bomb: bytes, status: int, in_chunks: bool
) -> None:
    headers = [("Content-Encoding", "gzip"), ("Location", "/elsewhere")]
    if in_chunks:
        said = answer(status, chunked(bomb), *headers, ("Transfer-Encoding", "chunked"))
    else:
        said = answer(status, bomb, *headers)
    server = serve(always(said))
    asking = transport(server.url, max_bytes=LIMIT)
    tracemalloc.start()
    try:
        with pytest.raises(errors.AnswerTooLarge):
            asking.ask("GET", PROJECTS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * 2**20


def test_a_bomb_in_a_bomb_is_cut_off(serve: Serve, transport: MakeTransport, bomb: bytes) -> None:
    server = serve(always(answer(200, gzip.compress(bomb), ("Content-Encoding", "gzip, gzip"))))
    with pytest.raises(errors.AnswerTooLarge):
        transport(server.url, max_bytes=LIMIT).ask("GET", PROJECTS)


@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(b'{"a": 1}')[:-12]], ids=["garbage", "cut short"])
def test_what_cannot_be_unpacked_is_no_answer(serve: Serve, transport: MakeTransport, body: bytes) -> None:
    server = serve(always(answer(200, body, ("Content-Encoding", "gzip"))))
    with pytest.raises(errors.UnexpectedAnswer):
        transport(server.url).get(PROJECTS)


def test_headers_without_measure_are_no_answer(serve: Serve, transport: MakeTransport) -> None:
    server = serve(always(answer(200, b"{}", *[(f"X-{number}", "y") for number in range(500)])))
    with pytest.raises(errors.UnexpectedAnswer):
        transport(server.url).get(PROJECTS)


def test_a_header_without_measure_is_no_answer(serve: Serve, transport: MakeTransport) -> None:
    server = serve(always(answer(200, b"{}", ("X-Long", "y" * 100_000))))
    with pytest.raises(errors.UnexpectedAnswer):
        transport(server.url).get(PROJECTS)


def test_one_call_may_bring_a_cap_of_its_own(serve: Serve, transport: MakeTransport) -> None:
    server = serve(always(answer(200, b'{"a": "' + b"x" * LIMIT + b'"}')))
    asking = transport(server.url, max_bytes=LIMIT)
    assert asking.get(PROJECTS, max_bytes=2 * LIMIT).status == 200
    with pytest.raises(errors.AnswerTooLarge):
        asking.get(PROJECTS, max_bytes=50)
