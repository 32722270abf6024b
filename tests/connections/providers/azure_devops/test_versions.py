"""Older servers are spoken to in the newest version they know; who speaks ours pays nothing."""

import re
from collections.abc import Callable, Sequence

import pytest

from connections.providers.azure_devops import build, errors, release
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.responses import Response
from connections.providers.azure_devops.versions import Versions
from tests.connections.providers.azure_devops.conftest import MakeClient, MakeTransport, Serve
from tests.connections.providers.azure_devops.loopback import Loopback, Script, Seen, Wire, always, json_answer, listing

ME = "22157d54-1821-6536-a446-928b06348385"
PROJECTS = ("_apis", "projects")


def refusal(message: str, type_key: str) -> bytes:
    return json_answer({"message": message, "typeKey": type_key}, status=400)


def out_of_range(asked: str, newest: str) -> bytes:
    text = (
        f"The requested REST API version of {asked} is out of range for this server. "
        f"The latest REST API version this server supports is {newest}."
    )
    return refusal(text, "VssVersionOutOfRangeException")


def asked_version(seen: Seen) -> str:
    found = re.search(r"api-version=([^&]+)", seen.query)
    return found[1] if found else ""


def server_of(newest: tuple[int, int], *, previews: Sequence[str] = ()) -> Script:
    """A server that speaks up to `newest`, and these resources only as a preview."""

    def say(seen: Seen, wire: Wire) -> None:
        asked = asked_version(seen)
        number, preview = asked.removesuffix("-preview"), asked.endswith("-preview")
        if tuple(int(part) for part in number.split(".")) > newest:
            wire.send(out_of_range(number, "{}.{}".format(*newest)))
        elif not preview and any(seen.path.endswith(one) for one in previews):
            wire.send(
                refusal(f'The requested version "{asked}" is under preview.', "VssInvalidPreviewVersionException")
            )
        elif seen.path.endswith("connectionData"):
            wire.send(json_answer({"authenticatedUser": {"id": ME}, "instanceId": "org"}))
        else:
            wire.send(json_answer({"id": 7, "name": "x", "value": []}))

    return say


def asked(server: Loopback) -> list[str]:
    return [asked_version(seen) for seen in server.seen]


def test_who_speaks_our_version_is_asked_once(serve: Serve, client: MakeClient) -> None:
    server = serve(server_of((7, 2)))
    asking = client(server)
    asking.connection_data()
    asking.projects_page()
    assert asked(server) == ["7.1-preview", "7.1"]


@pytest.mark.parametrize("newest", [(5, 0), (5, 1), (6, 0), (7, 0), (10, 0)])
def test_an_older_server_is_asked_again_and_remembered(
    serve: Serve, client: MakeClient, newest: tuple[int, int]
) -> None:
    server = serve(server_of(newest))
    asking = client(server)
    asking.connection_data()
    asking.projects_page()
    asking.projects_page()
    spoken = "{}.{}".format(*min(newest, (7, 1)))
    first = [] if newest >= (7, 1) else ["7.1-preview"]
    assert asked(server) == [*first, f"{spoken}-preview", spoken, spoken]


def test_each_client_learns_by_itself(serve: Serve, client: MakeClient) -> None:
    server = serve(server_of((6, 0)))
    client(server).projects_page()
    client(server).projects_page()
    assert asked(server) == ["7.1", "6.0", "7.1", "6.0"]


def test_a_refused_version_changed_nothing_so_a_change_is_made_again(serve: Serve, transport: MakeTransport) -> None:
    server = serve(server_of((6, 0)))
    build.queue(transport(server.url), "p", 1, branch="refs/heads/main")
    assert [(seen.method, asked_version(seen)) for seen in server.seen] == [("POST", "7.1"), ("POST", "6.0")]
    assert server.seen[0].body == server.seen[1].body


def test_what_an_older_server_has_only_as_a_preview_is_asked_for_so(serve: Serve, transport: MakeTransport) -> None:
    server = serve(server_of((6, 0), previews=["/approvals"]))
    asking = transport(server.url)
    release.approvals_page(asking, "p")
    release.approvals_page(asking, "p")
    release.releases_page(asking, "p")
    assert asked(server) == ["7.1", "6.0", "6.0-preview", "6.0-preview", "6.0"]


@pytest.mark.parametrize("newest", [(4, 1), (3, 2), (1, 0)])
def test_a_server_that_is_too_old_is_said_so_and_not_asked_again(
    serve: Serve, client: MakeClient, newest: tuple[int, int]
) -> None:
    server = serve(server_of(newest))
    with pytest.raises(errors.ServerTooOld) as raised:
        client(server).connection_data()
    assert raised.value.detail == "supports {}.{}".format(*newest)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "said",
    [
        out_of_range("7.1", "7.1"),
        out_of_range("7.1", "9.9"),
        refusal("out of range for this server", "VssVersionOutOfRangeException"),
        refusal("No api-version was supplied", "VssVersionNotSpecifiedException"),
        refusal("x is under preview", "VssInvalidPreviewVersionException"),
        json_answer({"count": 1, "value": {"Message": "The request is invalid."}}, status=400),
    ],
)
def test_a_server_that_contradicts_itself_is_not_asked_for_ever(
    serve: Serve, transport: MakeTransport, said: bytes
) -> None:
    server = serve(always(said))
    with pytest.raises(errors.Rejected):
        transport(server.url).get(PROJECTS)
    assert len(server.seen) <= 2


def test_a_server_that_knows_less_each_time_comes_to_an_end(serve: Serve, transport: MakeTransport) -> None:
    versions = [f"{major}.0" for major in (7, 6, 5, 4)]
    server = serve(always(*(out_of_range("7.1", newest) for newest in versions)))
    with pytest.raises(errors.ServerTooOld):
        transport(server.url).get(PROJECTS)
    assert asked(server) == ["7.1", "7.0", "6.0", "5.0"]


def test_all_tries_share_one_deadline(serve: Serve, transport: MakeTransport) -> None:
    def refuse_then_hang(_seen: Seen, wire: Wire) -> None:
        if len(server.seen) > 1:
            wire.hang()
        wire.send(out_of_range("7.1", "6.0"))

    server = serve(refuse_then_hang)
    with pytest.raises(errors.TimedOut):
        transport(server.url, deadline=0.25).get(PROJECTS)


def test_words_about_versions_in_a_success_teach_nothing() -> None:
    body = b'{"message": "out of range for this server. The latest this server supports is 5.0"}'
    learned = Versions()
    answer = Response(200, {"content-type": "application/json"}, body)
    assert not learned.learn(answer, spoken="7.1", path=PROJECTS)
    assert learned.spoken("7.1", PROJECTS) == "7.1"


def test_a_check_of_an_older_server_finds_the_person(serve: Serve, client: Callable[..., AzureDevOpsClient]) -> None:
    assert client(serve(server_of((5, 1)))).connection_data().identity.id == ME


def test_lists_of_an_older_server_are_lists(serve: Serve, client: MakeClient) -> None:
    first = out_of_range("7.1", "6.0")
    server = serve(always(first, json_answer(listing({"id": "p", "name": "Web"}))))
    assert [one.name for page in client(server).projects() for one in page.items] == ["Web"]
