"""Every page of a list is read until there is no token for another; a list that never ends is an error."""

from itertools import islice

import pytest

from connections.azure_devops import errors
from connections.azure_devops.paging import every_item, every_page
from connections.azure_devops.types import Page
from tests.azure_devops.conftest import MakeClient, Serve
from tests.azure_devops.loopback import always, answer, json_answer, listing

NEXT = "x-ms-continuationtoken"


def project(number: int) -> dict[str, str]:
    return {"id": f"id-{number}", "name": f"Project {number}", "state": "wellFormed"}


def test_pages_are_followed_until_there_is_no_token(serve: Serve, client: MakeClient) -> None:
    server = serve(
        always(
            json_answer(listing(project(1), project(2)), (NEXT, "2")),
            json_answer(listing(project(3)), (NEXT, "3")),
            json_answer(listing(), (NEXT, "4")),
            json_answer(listing(project(4))),
        )
    )
    found = [one.id for page in client(server).projects(page_size=2) for one in page.items]
    assert found == ["id-1", "id-2", "id-3", "id-4"]
    assert [seen.query for seen in server.seen] == [
        "$top=2&stateFilter=wellFormed&api-version=7.1",
        "$top=2&stateFilter=wellFormed&continuationToken=2&api-version=7.1",
        "$top=2&stateFilter=wellFormed&continuationToken=3&api-version=7.1",
        "$top=2&stateFilter=wellFormed&continuationToken=4&api-version=7.1",
    ]


@pytest.mark.parametrize("header", ["X-MS-ContinuationToken", "x-ms-continuationtoken", "X-Ms-Continuationtoken"])
def test_the_token_counts_in_any_case_of_its_header(serve: Serve, client: MakeClient, header: str) -> None:
    server = serve(always(json_answer(listing(project(1)), (header, "1")), json_answer(listing(project(2)))))
    assert len(list(client(server).projects())) == 2


def test_a_token_with_odd_letters_comes_back_as_it_was(serve: Serve, client: MakeClient) -> None:
    token = "2024-01-01T00:00:00.0000000Z&a=b c"
    server = serve(always(json_answer(listing(), (NEXT, token)), json_answer(listing())))
    list(client(server).projects())
    assert "continuationToken=2024-01-01T00%3A00%3A00.0000000Z%26a%3Db%20c&" in server.seen[1].query


@pytest.mark.parametrize("tokens", [["1", "1"], ["1", "2", "1"], ["1", "2", "3", "2"]])
def test_the_same_token_twice_is_an_error_and_not_a_list(serve: Serve, client: MakeClient, tokens: list[str]) -> None:
    pages = [json_answer(listing(project(1)), (NEXT, token)) for token in tokens]
    with pytest.raises(errors.UnexpectedAnswer):
        list(islice(client(serve(always(*pages))).projects(), 10))


def test_a_page_that_fails_fails_the_list(serve: Serve, client: MakeClient) -> None:
    server = serve(always(json_answer(listing(project(1)), (NEXT, "1")), answer(503, b"", ("Retry-After", "5"))))
    with pytest.raises(errors.Maintenance):
        list(client(server).projects())


def test_an_error_in_the_shape_of_a_list_is_no_list(serve: Serve, client: MakeClient) -> None:
    server = serve(always(json_answer({"count": 1, "value": {"Message": "The request is invalid."}})))
    with pytest.raises(errors.UnexpectedAnswer):
        list(client(server).projects())


def test_a_list_may_begin_after_a_token() -> None:
    asked: list[str | None] = []

    def ask(token: str | None) -> Page[int]:
        asked.append(token)
        return Page((1,), None)

    assert [page.items for page in every_page(ask, after="7")] == [(1,)]
    assert asked == ["7"]


def test_a_list_that_begins_after_a_token_does_not_come_back_to_it() -> None:
    with pytest.raises(errors.UnexpectedAnswer):
        list(islice(every_page(lambda _token: Page((1,), "7"), after="7"), 10))


def test_a_whole_list_is_one_tuple() -> None:
    pages = {None: Page((1, 2), "a"), "a": Page((), "b"), "b": Page((3,), None)}
    assert every_item(pages.__getitem__) == (1, 2, 3)
