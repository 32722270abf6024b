"""The file of expected answers is whole, and contradictions in it are found."""

import pytest

from connections.providers.azure_devops.capabilities import CAPABILITIES
from expected_answers import ACCEPTED, FILE, MARKS, expected_answers, parse

EXPECTED = expected_answers()
TEXT = FILE.read_text(encoding="utf-8")


def test_every_probe_has_an_answer_with_and_without_its_scope() -> None:
    probes = [key for key, request in EXPECTED.requests.items() if request.is_probe]
    assert probes == [capability.key for capability in CAPABILITIES]
    for place in ("organization", "collection"):
        for probe in probes:
            for when in ("scope_granted", "scope_missing"):
                assert EXPECTED.to(probe, when=[when], place=place), (probe, when, place)


def test_whose_token_it_is_has_an_answer_for_every_state_of_a_token() -> None:
    states = ("no_scope_needed", "wrong_token", "expired_token", "revoked_token")
    for place in ("organization", "collection"):
        for when in states:
            assert EXPECTED.to("connection_data", when=[when], place=place), (when, place)


def test_every_request_and_every_situation_is_used() -> None:
    assert {request for answer in EXPECTED.answers for request in answer.requests} == set(EXPECTED.requests)
    assert {answer.when for answer in EXPECTED.answers} == set(EXPECTED.situations)


def test_nothing_of_the_vocabulary_is_there_twice() -> None:
    vocabulary = EXPECTED.vocabulary
    for words in (vocabulary.headers, vocabulary.content_types, vocabulary.keys, vocabulary.words):
        assert len(words) == len({word.lower() for word in words} if words is vocabulary.words else set(words))
    assert all(name == name.lower() for name in vocabulary.headers)


def test_everything_says_where_it_comes_from() -> None:
    sources = [request.source for request in EXPECTED.requests.values()]
    sources += [answer.source for answer in EXPECTED.answers]
    assert [source for source in sources if not source.startswith("https://")] == []
    assert {answer.mark for answer in EXPECTED.answers} == set(MARKS)


def test_the_version_is_a_number() -> None:
    assert EXPECTED.version >= 1


@pytest.mark.parametrize(
    ("written", "mistaken", "complaint"),
    [
        ('requests = ["code_read"]', 'requests = ["code_raed"]', "code_raed is no known request"),
        ('when = "no_scope_needed"', 'when = "sunshine"', "sunshine is no known situation"),
        ('headers = ["activityid"]', 'headers = ["x-secret"]', "x-secret is no known header"),
        ('content_type = "text/plain"', 'content_type = "text/poem"', "text/poem is no known media type"),
        ('"authenticatedUser.id", ', '"authenticatedUser.shoeSize", ', "shoeSize is no known key"),
        ('words = ["TF401019"]', 'words = ["TF1"]', "TF1 is no known word"),
        ('mark = "reported"', 'mark = "guessed"', "guessed is no known mark"),
        ('body = "text"', 'body = "song"', "song is no known kind of body"),
        ('signed_as = "asker"', 'signed_as = "king"', "king is no known signature"),
        ('id = "other_lists"', 'id = "list"', "list is there twice"),
    ],
)
def test_a_contradiction_in_the_file_is_named(written: str, mistaken: str, complaint: str) -> None:
    assert written in TEXT
    with pytest.raises(ValueError, match=complaint):
        parse(TEXT.replace(written, mistaken, 1))


def test_what_an_accepted_answer_means_is_written_as_one_word() -> None:
    readings = {answer.reading for answer in EXPECTED.answers if answer.status == 200}
    assert readings == {ACCEPTED, "granted", "anonymous"}
