"""Every page of a list is read until there is no token for another, within bounds; each item is counted once."""

from collections.abc import Callable
from itertools import count, islice
from typing import Any

import pytest

from connections.providers.azure_devops import build, errors, git, paging, release
from connections.providers.azure_devops.models import Page
from connections.providers.azure_devops.paging import MOST_PAGES, Listed, every_page, read_all, read_in_parts
from connections.providers.azure_devops.transport import Transport
from tests.connections.providers.azure_devops.conftest import MakeClient, MakeTransport, Serve
from tests.connections.providers.azure_devops.loopback import Seen, Wire, always, answer, json_answer, listing

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
    with pytest.raises(errors.ServerError):
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

    assert [page.items for page in every_page(ask, seconds=9, after="7")] == [(1,)]
    assert asked == ["7"]


def test_a_list_that_begins_after_a_token_does_not_come_back_to_it() -> None:
    with pytest.raises(errors.UnexpectedAnswer):
        list(islice(every_page(lambda _token: Page((1,), "7"), seconds=9, after="7"), 10))


def test_a_whole_list_is_one_tuple() -> None:
    pages = {None: Page((1, 2), "a"), "a": Page((), "b"), "b": Page((3,), None)}
    assert read_all(every_page(pages.__getitem__, seconds=9)) == Listed((1, 2, 3), complete=True)


def test_what_stands_on_two_pages_or_twice_on_one_is_counted_once() -> None:
    pages = {None: Page((1, 2, 1), "a"), "a": Page((2, 3), "b"), "b": Page((1, 4), None)}
    found = [page.items for page in every_page(pages.__getitem__, seconds=9)]
    assert found == [(1, 2), (3,), (4,)]


def test_the_same_project_under_another_name_is_one_project(serve: Serve, client: MakeClient) -> None:
    renamed = project(1) | {"name": "Renamed meanwhile"}
    server = serve(
        always(json_answer(listing(project(1), project(2)), (NEXT, "2")), json_answer(listing(renamed, project(3))))
    )
    found = [one.name for page in client(server).projects() for one in page.items]
    assert found == ["Project 1", "Project 2", "Project 3"]


class Endless:
    """A list that always names another page; every page has one more item."""

    def __init__(self, *, seconds_each: float = 0.0) -> None:
        self.now = 0.0
        self.asked = 0
        self._seconds_each = seconds_each

    def __call__(self, _token: str | None) -> Page[int]:
        self.asked += 1
        self.now += self._seconds_each
        return Page((self.asked,), f"after {self.asked}")

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(("after", "pages"), [(None, MOST_PAGES), ("x", MOST_PAGES - 1)])
def test_a_list_without_an_end_is_read_for_a_thousand_pages(after: str | None, pages: int) -> None:
    endless = Endless()
    found = read_all(every_page(endless, seconds=60, after=after))
    assert found == Listed(tuple(range(1, pages + 1)), complete=False)
    assert endless.asked == pages


def test_a_list_without_an_end_is_read_for_as_long_as_it_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = Endless(seconds_each=1.0)
    monkeypatch.setattr(paging, "time", endless)
    assert read_all(every_page(endless, seconds=5.0)) == Listed((1, 2, 3, 4, 5), complete=False)
    assert endless.asked == 5


def test_a_list_that_ends_with_its_last_second_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Endless(seconds_each=5.0)

    def ask(_token: str | None) -> Page[int]:
        return Page(clock(None).items, None)

    monkeypatch.setattr(paging, "time", clock)
    assert read_all(every_page(ask, seconds=5.0)) == Listed((1,), complete=True)


def test_the_page_during_which_the_time_ends_is_given_up_and_the_others_are_shown(
    serve: Serve, transport: MakeTransport
) -> None:
    def say(seen: Seen, wire: Wire) -> None:
        if "continuationToken" in seen.query:
            wire.hang()
        else:
            wire.send(json_answer(listing({"id": 1, "name": "CI"}), (NEXT, "2")))

    asking = transport(serve(say).url, list_seconds=0.5)
    assert [one.id for one in read_all(build.definitions(asking, "p")).items] == [1]
    assert not read_all(build.definitions(asking, "p")).complete


def test_a_list_of_which_nothing_came_in_time_is_an_error(serve: Serve, transport: MakeTransport) -> None:
    asking = transport(serve(lambda _, wire: wire.hang()).url, list_seconds=0.2)
    with pytest.raises(errors.TimedOut):
        read_all(build.definitions(asking, "p"))


def test_one_call_keeps_its_own_deadline_within_a_list(serve: Serve, transport: MakeTransport) -> None:
    asking = transport(serve(lambda _, wire: wire.hang()).url, deadline=0.2, list_seconds=60)
    with pytest.raises(errors.TimedOut):
        read_all(build.definitions(asking, "p"))


def endless_answers(item: Callable[[int], dict[str, object]]) -> Callable[[Seen, Wire], None]:
    numbers = count(1)

    def say(_seen: Seen, wire: Wire) -> None:
        number = next(numbers)
        wire.send(json_answer(listing(item(number)), (NEXT, str(number))))

    return say


LISTS: dict[str, tuple[Callable[[Transport], object], Callable[[int], dict[str, object]]]] = {
    "branches": (
        lambda asking: list(git.branches(asking, "p", "r")),
        lambda number: {"name": f"refs/heads/{number}", "objectId": "1"},
    ),
    "one branch": (
        lambda asking: git.branch(asking, "p", "r", "main"),
        lambda number: {"name": f"refs/heads/main{number}", "objectId": "1"},
    ),
    "pipelines": (lambda asking: list(build.definitions(asking, "p")), lambda number: {"id": number, "name": "CI"}),
    "release pipelines": (
        lambda asking: list(release.definitions(asking, "p")),
        lambda number: {"id": number, "name": "CD"},
    ),
    "releases": (lambda asking: list(release.releases(asking, "p")), lambda number: {"id": number, "name": "R"}),
    "approvals": (lambda asking: list(release.approvals(asking, "p")), lambda number: {"id": number}),
}


@pytest.mark.parametrize("which", LISTS)
def test_every_list_ends(serve: Serve, transport: MakeTransport, monkeypatch: pytest.MonkeyPatch, which: str) -> None:
    read, item = LISTS[which]
    server = serve(endless_answers(item))
    monkeypatch.setattr(paging, "MOST_PAGES", 7)
    with pytest.raises(errors.ListIncomplete):
        read(transport(server.url))
    assert len(server.seen) == 7


PARTS: dict[str, tuple[Callable[[Transport], Listed[Any]], Callable[[int], dict[str, object]]]] = {
    "builds": (
        lambda asking: build.latest_builds(asking, "p", range(1, 250)),
        lambda number: {"id": number, "status": "completed"},
    ),
    "releases": (
        lambda asking: release.releases_by_ids(asking, "p", range(1, 250)),
        lambda number: {"id": number, "name": "R"},
    ),
}


@pytest.mark.parametrize("which", PARTS)
def test_a_list_that_is_asked_for_in_parts_is_one_list(
    serve: Serve, transport: MakeTransport, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    read, item = PARTS[which]
    server = serve(endless_answers(item))
    monkeypatch.setattr(paging, "MOST_PAGES", 9)
    found = read(transport(server.url))
    assert not found.complete
    assert len(found.items) == len(server.seen) == 9


def test_parts_of_a_list_share_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Endless(seconds_each=1.0)
    asked: list[list[int]] = []

    def ask(some: object, _token: str | None) -> Page[int]:
        asked.append(list(some))  # type: ignore[call-overload]  # ids
        clock(None)
        return Page(tuple(asked[-1]), None)

    monkeypatch.setattr(paging, "time", clock)
    assert read_in_parts([1, 2, 2, 3, 4, 5, 6], ask, size=2, seconds=2.0) == Listed((1, 2, 3, 4), complete=False)
    assert asked == [[1, 2], [3, 4]]
    assert read_in_parts([1, 2], ask, size=2, seconds=1.0) == Listed((1, 2), complete=True)
    assert read_in_parts([], ask, size=2, seconds=1.0) == Listed((), complete=True)
