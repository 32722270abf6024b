"""A server that sends our own token back never gets it past the transport, however it is spelled."""

import base64
import contextlib
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from connections.providers.azure_devops import build, errors, git, release, timeline
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.token_echo import redactor
from connections.providers.azure_devops.transport import Transport, successful
from core.redaction import REDACTED
from tests.connections.providers.azure_devops.conftest import SECRET, MakeClient, MakeTransport, Serve
from tests.connections.providers.azure_devops.loopback import Seen, Wire, answer, json_answer, listing

# In the older form, one that nobody would draw, and one that every spelling changes.
OLDER = "k7xm2abcdefghijklmnopqrstuvwxyz234567abcdefghijkl7qz"
ODD = 'a+b/c%d"e\\f&g<h>i=j?k'
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "for an address": lambda token: quote(token, safe=""),
    "for an address, with small digits": lambda token: quote(token, safe="").replace("%2F", "%2f"),
    "for a form": quote_plus,
    "for HTML": html.escape,
    "for JSON": lambda token: json.dumps(token)[1:-1],
    "Basic": lambda token: base64.b64encode(f":{token}".encode()).decode(),
    "Basic with a name": lambda token: base64.b64encode(f"maya:{token}".encode()).decode(),
    "Basic with a longer name": lambda token: base64.b64encode(f"maya.s:{token}".encode()).decode(),
    "base64": lambda token: base64.b64encode(token.encode()).decode(),
    "base64 for an address": lambda token: base64.urlsafe_b64encode(f"~~~?{token}".encode()).decode(),
}


def cleaned(secret: str, body: str) -> str:
    _, content, held = redactor(PersonalAccessToken(secret))({}, body.encode())
    assert held is (content != body.encode())
    return content.decode()


def is_gone(secret: str, text: str) -> bool:
    """Neither the token nor a longer piece of it, nor of its base64 in any place."""
    spelled = [secret, *(base64.b64encode(bytes(before) + secret.encode()).decode()[4:-4] for before in range(3))]
    pieces = {one[start : start + 40] for one in spelled for start in range(max(len(one) - 40, 1))}
    return not any(piece in text for piece in pieces)


@pytest.mark.parametrize("secret", [SECRET, OLDER, ODD])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_token_is_taken_out_however_it_is_spelled(secret: str, spelling: str) -> None:
    text = f"before {SPELLINGS[spelling](secret)} after"
    found = cleaned(secret, text)
    assert is_gone(secret, found)
    assert found.startswith("before ")
    assert found.endswith(" after")
    assert REDACTED in found


@pytest.mark.parametrize("secret", [SECRET, OLDER, ODD])
def test_a_token_becomes_one_mark(secret: str) -> None:
    assert cleaned(secret, f"({secret})") == f"({REDACTED})"
    assert cleaned(secret, f"{secret}{secret}") == REDACTED


@pytest.mark.parametrize("secret", [SECRET, OLDER])
def test_a_name_that_was_cut_shows_no_longer_piece_of_the_token(secret: str) -> None:
    for length in range(30, len(secret)):
        for piece in (secret[:length], secret[-length:]):
            found = cleaned(secret, f"<{piece}>")
            assert REDACTED in found, length
            assert is_gone(secret, found), length


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in text)


@pytest.mark.parametrize("part", [SECRET, SECRET[:1], SECRET[40:41]])
def test_json_that_writes_letters_by_their_numbers_is_compared_as_it_is_read(part: str) -> None:
    body = f'{{"name": "x {SECRET.replace(part, escaped(part), 1)}", "other": "\\u003ckept\\u003e ü"}}'
    found = json.loads(cleaned(SECRET, body))
    assert found == {"name": f"x {REDACTED}", "other": "<kept> ü"}


@pytest.mark.parametrize(
    "body", ["", "{}", '{"a": "\\u003c"}', "no JSON \\u0041", '{"a": "\\ud800\\u0041"}', "[" * 50_000]
)
def test_what_does_not_hold_the_token_stays_as_it_is(body: str) -> None:
    headers = {"x": "a%20b+c", "y": "ü"}
    given = body.encode()
    assert redactor(PersonalAccessToken(SECRET))(headers, given) == (headers, given, False)


@pytest.mark.parametrize("secret", ["", "a", "name", "1234567"])
def test_what_is_too_short_to_be_a_token_is_no_reason_to_change_a_text(secret: str) -> None:
    body = '{"name": "a", "id": 1234567}'
    assert cleaned(secret, body) == body


def test_an_answer_full_of_pieces_of_the_token_ends_with_a_mark() -> None:
    found = cleaned(SECRET, f"<{SECRET[:-1]}> " * 2_000)
    assert found.endswith(REDACTED)
    assert found.count(REDACTED) <= 1_001
    assert is_gone(SECRET, found)
    assert cleaned(SECRET, f"<{SECRET}> " * 2_000).count(REDACTED) == 2_000


def test_bytes_of_a_file_lose_the_token_and_nothing_else() -> None:
    content = b"\x00\xff" + SECRET.encode() + b"\xfe"
    assert redactor(PersonalAccessToken(SECRET))({}, content)[1] == b"\x00\xff[redacted]\xfe"


@pytest.mark.parametrize(
    "value",
    [SECRET, f"x%20{SECRET}", "".join(f"%{ord(letter):02x}" for letter in SECRET), quote(f"Basic {SECRET}")],
)
def test_a_header_loses_the_token_also_encoded(value: str) -> None:
    headers, _, held = redactor(PersonalAccessToken(SECRET))({"x-tfs-serviceerror": value}, b"")
    assert held
    assert REDACTED in headers["x-tfs-serviceerror"]
    assert is_gone(SECRET, headers["x-tfs-serviceerror"])


def test_a_header_with_the_tokens_own_signs_loses_it() -> None:
    headers, _, held = redactor(PersonalAccessToken(ODD))({"x": ODD}, b"")
    assert (headers, held) == ({"x": REDACTED}, True)


def echo_of(made: Callable[[str], bytes]) -> Callable[[Seen, Wire], None]:
    """A server that takes the token out of the request and makes its answer of it."""

    def say(seen: Seen, wire: Wire) -> None:
        token = base64.b64decode(seen["Authorization"].removeprefix("Basic ")).decode().removeprefix(":")
        wire.send(made(token))

    return say


ID = "6a5f5d5f-0000-4000-8000-000000000001"


def user(token: str) -> bytes:
    who = {"id": ID, "providerDisplayName": f"Maya {token}", "properties": {"Account": {"$value": token}}}
    return json_answer({"authenticatedUser": who, "instanceId": f"i {token}", "deploymentType": token})


READS: dict[str, tuple[Callable[[AzureDevOpsClient], object], Callable[[str], bytes]]] = {
    "whose token": (lambda client: client.connection_data(), user),
    "projects": (
        lambda client: client.projects_page(),
        lambda token: json_answer(
            listing({"id": ID, "name": token, "state": "wellFormed", "description": f"my {token}", "url": token}),
            ("x-ms-continuationtoken", token),
        ),
    ),
    "repositories": (
        lambda client: git.repositories(client.transport, "p", max_bytes=10_000),
        lambda token: json_answer(
            listing({"id": ID, "name": token, "remoteUrl": f"https://maya:{token}@example.com/x"})
        ),
    ),
    "commits": (
        lambda client: git.commits(client.transport, "p", "r", "main"),
        lambda token: json_answer(
            listing({"commitId": "a", "comment": f"use {token}", "author": {"name": token, "email": token}})
        ),
    ),
    "builds": (
        lambda client: build.builds_page(client.transport, "p"),
        lambda token: json_answer(
            listing({"id": 1, "buildNumber": token, "status": "completed", "requestedFor": {"displayName": token}})
        ),
    ),
    "log lines": (
        lambda client: timeline.lines(client.transport, "p", 1, 1),
        lambda token: json_answer(
            listing(f"export PAT={token}", "##[command]git -c Basic " + SPELLINGS["Basic"](token))
        ),
    ),
    "releases": (
        lambda client: release.releases_page(client.transport, "p"),
        lambda token: json_answer(listing({"id": 1, "name": token, "status": "active", "description": f"by {token}"})),
    ),
}


@pytest.mark.parametrize("read", READS)
def test_what_is_read_holds_no_token(serve: Serve, client: MakeClient, read: str) -> None:
    act, made = READS[read]
    found = repr(act(client(serve(echo_of(made)))))
    assert REDACTED in found
    assert is_gone(SECRET, found)


def test_a_token_for_the_next_page_is_asked_for_without_our_own(serve: Serve, client: MakeClient) -> None:
    server = serve(echo_of(READS["projects"][1]))
    with pytest.raises(errors.UnexpectedAnswer):
        list(client(server).projects())
    assert is_gone(SECRET, "".join(seen.target for seen in server.seen))


@pytest.mark.parametrize("is_text", [True, False])
def test_a_file_says_that_it_held_the_token(serve: Serve, transport: MakeTransport, is_text: bool) -> None:
    item = {"path": "/a.txt", "objectId": "1", "contentMetadata": {"isBinary": not is_text}}

    def made(token: str) -> bytes:
        if is_text:
            return json_answer(item | {"content": f"PAT={token}\n"})
        return octets(token) if asked.pop() == "raw" else json_answer(item | {"content": "x"})

    def octets(token: str) -> bytes:
        return answer(200, b"\x00" + token.encode(), ("Content-Type", "application/octet-stream"))

    asked = ["raw", "described"]
    found = git.file(transport(serve(echo_of(made)).url), "p", "r", "main", "/a.txt")
    assert found.held_token
    assert found.content == (f"PAT={REDACTED}\n" if is_text else b"\x00[redacted]")


def test_a_file_without_the_token_says_so(serve: Serve, transport: MakeTransport) -> None:
    item = {"path": "/a.txt", "objectId": "1", "content": f"{REDACTED}\n"}
    found = git.file(transport(serve(lambda _, wire: wire.send(json_answer(item))).url), "p", "r", "main", "/a.txt")
    assert not found.held_token


def refused(token: str) -> bytes:
    said = {"message": f"{token} may not", "typeKey": "SomeException"}
    return json_answer(said, ("ActivityId", token), ("X-TFS-ServiceError", quote(token)), status=403)


def test_what_is_said_of_a_refusal_holds_no_token_whatever_it_looks_like(
    serve: Serve, transport: MakeTransport
) -> None:
    asking = transport(serve(echo_of(refused)).url)
    with pytest.raises(errors.AzureDevOpsError) as raised:
        successful(asking.ask("GET", ("_apis", "projects")))
    assert raised.value.said == f"{REDACTED} may not"
    assert is_gone(SECRET, f"{vars(raised.value)}")


def test_what_a_branch_was_refused_with_holds_no_token(serve: Serve, transport: MakeTransport) -> None:
    def made(token: str) -> bytes:
        return json_answer(listing({"success": False, "updateStatus": token, "customMessage": f"{token} may not"}))

    with pytest.raises(errors.BranchNotUpdated) as raised:
        git.create_branch(transport(serve(echo_of(made)).url), "p", "r", name="topic", at="1" * 40)
    assert raised.value.said == f"{REDACTED} may not"
    assert is_gone(SECRET, f"{vars(raised.value)}")


def test_an_echo_is_logged_without_the_token(
    serve: Serve, transport: MakeTransport, caplog: pytest.LogCaptureFixture
) -> None:
    asking: Transport = transport(serve(echo_of(lambda token: answer(200, b"{}", ("X-Custom", token)))).url)
    assert asking.get(("_apis", "projects")).held_token
    assert "sent the token in use back" in caplog.text
    assert is_gone(SECRET, caplog.text)


def test_headers_that_cannot_be_read_are_not_logged(
    serve: Serve, transport: MakeTransport, caplog: pytest.LogCaptureFixture
) -> None:
    def made(token: str) -> bytes:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nno colon {token}\r\nConnection: close"
        return f"{head}\r\n\r\n{{}}".encode()

    def say(seen: Seen, wire: Wire) -> None:
        echo_of(made)(seen, wire)
        wire.keep = False

    with contextlib.suppress(errors.AzureDevOpsError):
        transport(serve(say).url).get(("_apis", "projects"))
    assert is_gone(SECRET, caplog.text)
