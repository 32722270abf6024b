"""Nothing but known names, kinds, lengths and words of an answer is ever told, wherever it puts something else."""

import json
from typing import Any

import pytest

from expected_answers import expected_answers
from expected_answers.observation import HIDDEN_TYPE_KEY, Observation, Private, differences, observe
from tests.leaks import traces

EXPECTED = expected_answers()
SECRET = "k7" * 26 + "JQQJ99" + "ALACAAAA" + "AAAAAAAAAA" + "AZDO" + "9xQ2"
LETTERS = "abcdefghijklmnopqrstuvwxyz" * 3 + "zyxwvu"
MAIL = "maya.sample@example.com"
NAME = "Maya Sample"
PRIVATE = Private.of(people=[NAME, MAIL, "Łó Li"], things=["Zeppelin main"], secrets=[SECRET, LETTERS])


def seen(status: int = 200, headers: dict[str, str] | None = None, body: object = b"", **more: Any) -> Observation:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return observe(EXPECTED, status=status, headers=headers or {}, body=content, private=PRIVATE, **more)


HOSTILE = [SECRET, SECRET[:40], LETTERS, MAIL, NAME, "Maya", "DROP TABLE", "<script>"]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_is_told_wherever_it_stands(text: str) -> None:
    body = {
        text: text,
        "typeKey": f"{text}Exception",
        "message": text,
        "value": [{text: text, "name": text, "id": {text: [text]}}, {"name": text}],
        "authenticatedUser": {text: 1, "id": text},
        "innerException": {"message": text, text: {"typeKey": f"{text}Exception"}},
    }
    headers = {
        text.lower(): text,
        f"x-vss-{text.lower()}": text,
        "content-type": f"application/json; {text}={text}",
        "www-authenticate": f'Basic realm="{text}"',
        "x-tfs-serviceerror": text,
        "x-vss-userdata": f"{text}:{text}",
        "location": f"https://{text}/",
        "set-cookie": f"{text}={text}",
    }
    told = json.dumps(seen(401, headers, body, asker=text).as_json())
    for trace in (text, text.lower(), *(trace.decode() for trace in traces(text) if len(trace) > 3)):
        assert trace not in told


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", ["application/{}", "{}/json", "{}", "text/html; {}"])
def test_a_media_type_that_is_not_known_is_another(text: str, kind: str) -> None:
    told = seen(headers={"content-type": kind.format(text)}).content_type
    assert told in ("another", "text/html")


@pytest.mark.parametrize(
    ("type_key", "told"),
    [
        ("GitRepositoryNotFoundException", "GitRepositoryNotFoundException"),
        ("SomethingNewException", "SomethingNewException"),
        ("B" * 80 + "Exception", "B" * 80 + "Exception"),
        ("B" * 81 + "Exception", HIDDEN_TYPE_KEY),
        ("Something1Exception", HIDDEN_TYPE_KEY),
        ("SomethingNew", HIDDEN_TYPE_KEY),
        ("SomethingException\n", HIDDEN_TYPE_KEY),
        ("Exception", HIDDEN_TYPE_KEY),
        ("ŁódkaException", HIDDEN_TYPE_KEY),
        ("MayaSampleException", HIDDEN_TYPE_KEY),
        ("OfmayaatexampleException", HIDDEN_TYPE_KEY),
        ("LiException", HIDDEN_TYPE_KEY),
        ("ListException", "ListException"),
        ("CommandException", "CommandException"),
        ("MainException", HIDDEN_TYPE_KEY),
        ("DomainException", "DomainException"),
        ("XzeppelinyException", HIDDEN_TYPE_KEY),
        ("XAbcdefghijklmnopqrstException", HIDDEN_TYPE_KEY),
        ("TSRQPABCDEFGHException", HIDDEN_TYPE_KEY),
        (LETTERS[:80] + "Exception", HIDDEN_TYPE_KEY),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_a_type_of_error_is_told_only_in_its_form_and_without_names(type_key: object, told: str | None) -> None:
    assert seen(404, body={"typeKey": type_key}).type_key == told


def test_an_expected_type_of_error_is_told_though_a_name_is_like_it() -> None:
    private = Private.of(people=["Git"], things=["Repository"])
    body = json.dumps({"typeKey": "GitRepositoryNotFoundException"}).encode()
    found = observe(EXPECTED, status=404, headers={}, body=body, private=private)
    assert found.type_key == "GitRepositoryNotFoundException"


def test_what_is_private_does_not_show_itself() -> None:
    assert SECRET[:8] not in repr(PRIVATE)
    assert "maya" not in repr(PRIVATE)


def test_known_keys_are_told_with_kinds_and_lengths_and_others_counted() -> None:
    found = seen(body={"count": 2, "value": [{"id": "four", "isActive": True, "x": 1, "y": 2}, {}], "url": None})
    assert found.shape == {
        "keys": {
            "count": "number",
            "url": "null",
            "value": {"list of": 2, "first": {"keys": {"id": "text of 4", "isActive": "yes or no"}, "other keys": 2}},
        }
    }
    assert found.keys == {"count", "url", "value", "value[].id", "value[].isActive"}


def test_a_deep_body_ends_somewhere() -> None:
    body: Any = "end"
    for _ in range(50):
        body = {"value": [body]}
    assert "end" not in json.dumps(seen(body=body).as_json())
    assert seen(body=b"[" * 100_000).body == "text"


@pytest.mark.parametrize(
    ("content_type", "body", "kind"),
    [
        ("application/json", b"", "empty"),
        ("", b" \r\n", "empty"),
        ("application/json", b"\xef\xbb\xbf{}", "object"),
        ("application/json", b"[]", "json"),
        ("application/json", b"{", "text"),
        ("text/plain", b"The resource cannot be found.", "text"),
        ("text/html", b"x", "page"),
        ("application/json", b"\xef\xbb\xbf <!DOCTYPE html>", "page"),
        ("application/octet-stream", b"\xff\xfe", "text"),
    ],
)
def test_kinds_of_bodies_are_told_apart(content_type: str, body: bytes, kind: str) -> None:
    assert seen(headers={"content-type": content_type}, body=body).body == kind


def test_headers_are_told_by_name_and_those_that_are_not_known_only_counted() -> None:
    found = seen(headers={"etag": "secret", "activityid": "x", "x-own": "y", "x-maya": "z"})
    assert found.headers == ("activityid", "etag")
    assert found.other_headers == 2


@pytest.mark.parametrize(
    ("headers", "body", "words"),
    [
        ({}, b'{"message":"TF401019: x"}', {"TF401019"}),
        (
            {},
            b'{"message":"the personal access TOKEN used has expired"}',
            {"The Personal Access Token used has expired"},
        ),
        ({"x-tfs-serviceerror": "The%20resource%20cannot%20be%20found"}, b"", {"The resource cannot be found"}),
        ({"www-authenticate": 'Basic realm="https://secret/", NTLM'}, b"", {"Basic realm", "NTLM"}),
        ({"location": "TF401019"}, b"", set()),
    ],
)
def test_words_are_found_in_the_body_and_in_two_headers(headers: dict[str, str], body: bytes, words: set[str]) -> None:
    assert set(seen(headers=headers, body=body).words) == words


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("ME:me@example.com", "asker"),
        ("someone-else:x", "another"),
        ("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:x", "anonymous"),
        ("", "nobody"),
    ],
)
def test_whom_an_answer_names_is_told_without_a_name(header: str, told: str) -> None:
    assert seen(headers={"x-vss-userdata": header}, asker="me").signed_as == told


GRANTED = next(answer for answer in EXPECTED.answers if answer.id == "no_such_repository")
HEADERS = {"content-type": "application/json", "activityid": "x", "x-vss-userdata": "me:x"}
BODY = {"message": "TF401019: x", "typeKey": "GitRepositoryNotFoundException"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "points"),
    [
        (404, {}, BODY, ()),
        (404, {"x-own": "more"}, BODY | {"more": 1}, ()),
        (400, {}, BODY, ("status",)),
        (404, {"content-type": "text/plain"}, BODY, ("content_type",)),
        (404, {"activityid": None}, BODY, ("headers",)),
        (404, {"x-vss-userdata": "you:x"}, BODY, ("signed_as",)),
        (404, {}, BODY | {"message": "TF401020"}, ("words",)),
        (404, {}, BODY | {"typeKey": "ArgumentException"}, ("type_key",)),
        (404, {}, {"typeKey": "GitRepositoryNotFoundException", "value": "TF401019"}, ("keys",)),
        (404, {}, b"TF401019", ("body", "keys", "type_key")),
    ],
)
def test_each_point_in_which_an_answer_differs_is_named(
    status: int, headers: dict[str, str | None], body: object, points: tuple[str, ...]
) -> None:
    given = {name: value for name, value in {**HEADERS, **headers}.items() if value is not None}
    assert differences(GRANTED, seen(status, given, body, asker="me")) == points
