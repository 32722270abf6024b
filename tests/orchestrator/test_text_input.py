"""Files and pipes that Windows wrote are read like any other."""

import codecs
import io
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from connections.models import Connection
from core import text_input
from core.text_input import TooLong, UnreadableText, decode
from history import anchors
from history.anchors import Anchor
from orchestrator import generate_keys
from sandbox.server import Sandbox
from tests.connections.commands import Connected, Ran, Token, line
from tests.people.conftest import PASSWORD, sign_in

MARK = "\ufeff"
WRITTEN = {
    "as on Linux": lambda text: text.encode(),
    "by Set-Content -Encoding UTF8": lambda text: (MARK + text.replace("\n", "\r\n")).encode(),
    "by Out-File": lambda text: codecs.BOM_UTF16_LE + text.replace("\n", "\r\n").encode("utf-16-le"),
    "as UTF-16 that begins with the greater byte": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "as UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "as UTF-16 of the other order without a mark": lambda text: text.encode("utf-16-be"),
    "as UTF-32": lambda text: codecs.BOM_UTF32_LE + text.encode("utf-32-le"),
}
any_way = pytest.mark.parametrize("way", WRITTEN)


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """Standard input as bytes, with the encoding of a machine in the C locale around it."""
    source = io.BytesIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(source, encoding="ascii"))
    return source


def put(pipe: io.BytesIO, content: bytes) -> None:
    pipe.write(content)
    pipe.seek(0)


@any_way
def test_a_text_is_decoded(way: str) -> None:
    assert decode(WRITTEN[way]("Zoë\nand\n")) == "Zoë\nand\n"


@pytest.mark.parametrize("content", [b"", b"a", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_the_shortest_are_decoded_too(content: bytes) -> None:
    assert decode(content) == ("a" if content == b"a" else "")


@pytest.mark.parametrize("content", [b"caf\xe9", b"\xff\xfea", b"ab\xff"])
def test_what_is_no_text_is_refused_without_repeating_it(content: bytes) -> None:
    with pytest.raises(UnreadableText) as refused:
        decode(content)
    assert "caf" not in str(refused.value)


@any_way
@pytest.mark.parametrize("verb", ["add", "update-token"])
def test_a_token_is_read(
    connected: Connected, sandbox: Sandbox, token_of: Token, pipe: io.BytesIO, way: str, verb: str
) -> None:
    connected(token="no-build")
    put(pipe, WRITTEN[way](token_of("full") + "\n"))
    words = ["Another", "acme"] if verb == "add" else ["Acme main"]
    assert Ran(verb, *words, "--owner", "maya").code == 0
    stored = Connection.objects.get(name=words[0]).stored_credential
    assert stored.reveal().reveal() == token_of("full")


@any_way
def test_lines_of_new_tokens_are_read(
    connected: Connected, sandbox: Sandbox, token_of: Token, pipe: io.BytesIO, way: str
) -> None:
    connected("Zoë", token="no-build")
    connected("Other", token="no-build")
    lines = (line(token=token_of("full"), connection=name).encode().decode("unicode_escape") for name in ("Zoë",))
    put(pipe, WRITTEN[way]("".join(lines) + "\n" + line(token=token_of("full"), connection="Other")))
    ran = Ran("rotate", "--read", "--owner", "maya", "--json")
    assert [(one["name"], one["result"]) for one in ran.lines] == [("Zoë", "updated"), ("Other", "updated")]


@pytest.mark.parametrize(("content", "problem"), [(b"caf\xe9" * 10, "not_printable_ascii"), (b"x" * 2**21, "too_long")])
def test_what_is_no_token_is_refused(maintainer: User, pipe: io.BytesIO, content: bytes, problem: str) -> None:
    put(pipe, content)
    ran = Ran("add", "Acme main", "acme", "--owner", "maya", "--json")
    assert (ran.code, ran.json["problem"]) == (1, problem)


@pytest.mark.django_db
def test_lines_that_are_no_text_are_wrong_usage(maintainer: User, pipe: io.BytesIO) -> None:
    put(pipe, b'{"token": "caf\xe9"}\n')
    ran = Ran("rotate", "--read", "--owner", "maya")
    assert (ran.code, "UTF-8" in ran.err) == (2, True)


@any_way
@pytest.mark.django_db
def test_a_password_is_read(client: Client, pipe: io.BytesIO, way: str) -> None:
    put(pipe, WRITTEN[way](f"{PASSWORD}ë\nand more\n"))
    call_command("create_administrator", "root", stdout=io.StringIO())
    assert sign_in(client, "root", f"{PASSWORD}ë").status_code == 302


def test_a_line_is_read_without_waiting_for_the_end(pipe: io.BytesIO) -> None:
    put(pipe, WRITTEN["by Out-File"]("first\nsecond\n"))
    assert text_input.read_line_of_standard_input(longest=100) == "first"
    assert pipe.tell() == 2 + 2 * len("first\r\n")
    pipe.seek(0)
    put(pipe, b"x" * 200)
    with pytest.raises(TooLong):
        text_input.read_line_of_standard_input(longest=100)


@any_way
def test_a_file_of_keys_keeps_its_first_key(tmp_path: Path, way: str) -> None:
    names = list(generate_keys.MAKERS)
    (tmp_path / generate_keys.FILE_NAME).write_bytes(WRITTEN[way](f"{names[0]}=kept\n"))
    assert generate_keys.make_missing_keys(tmp_path, {}) == tuple(names[1:])
    written = (tmp_path / generate_keys.FILE_NAME).read_text()
    assert written.startswith(f"{names[0]}=kept\n{names[1]}=")


@any_way
def test_a_saved_mail_is_read(tmp_path: Path, way: str) -> None:
    seal = "0f3a" * 16
    split = f"12:{seal[:40]}=\n{seal[40:]}"
    mail = f"Subject: Anchor\nContent-Transfer-Encoding: quoted-printable\nContent-Type: text/plain\n\n{split}\n"
    (tmp_path / "mail.eml").write_bytes(WRITTEN[way](mail))
    assert list(anchors.in_file(tmp_path / "mail.eml")) == [Anchor(12, seal)]
