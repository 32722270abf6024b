"""Who asks, and the projects of an organization, read from answers with and without what may be absent."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.models import ConnectionData, Project
from connections.providers.azure_devops.responses import ANONYMOUS_ID
from connections.providers.organization import Identity
from tests.connections.providers.azure_devops.conftest import MakeClient, Serve
from tests.connections.providers.azure_devops.loopback import always, answer, json_answer, listing

ME = "22157d54-1821-6536-a446-928b06348385"
PERSON: dict[str, Any] = {
    "id": ME,
    "subjectDescriptor": "aad.Abc",
    "providerDisplayName": "Maya Sample",
    "properties": {"Account": {"$type": "System.String", "$value": "maya@example.com"}},
}


def connection(user: object, **more: object) -> bytes:
    return json_answer({"authenticatedUser": user, "instanceId": "org-id", "deploymentType": "hosted", **more})


def test_the_person_and_the_organization_are_read(serve: Serve, client: MakeClient) -> None:
    server = serve(always(connection(PERSON | {"customDisplayName": "Maya"})))
    identity = Identity(ME, "Maya", "maya@example.com", "aad.Abc")
    assert client(server).connection_data() == ConnectionData(identity, "org-id", "hosted")
    assert server.seen[0].path == "/acme/_apis/connectionData"
    assert server.seen[0].query == "api-version=7.1-preview"


def test_a_person_without_a_chosen_name_has_the_directorys(serve: Serve, client: MakeClient) -> None:
    assert client(serve(always(connection(PERSON)))).connection_data().identity.display_name == "Maya Sample"


def test_a_person_may_have_little_more_than_an_id(serve: Serve, client: MakeClient) -> None:
    server = serve(always(json_answer({"authenticatedUser": {"id": ME}, "instanceId": "org-id"})))
    assert client(server).connection_data() == ConnectionData(Identity(ME, "Unnamed"), "org-id")


@pytest.mark.parametrize("nobody", [ANONYMOUS_ID, ANONYMOUS_ID.upper()])
def test_a_success_for_nobody_is_a_refusal(serve: Serve, client: MakeClient, nobody: str) -> None:
    with pytest.raises(errors.Anonymous):
        client(serve(always(connection({"id": nobody})))).connection_data()


def test_an_empty_401_here_can_only_mean_the_token(serve: Serve, client: MakeClient) -> None:
    with pytest.raises(errors.TokenRefused) as raised:
        client(
            serve(always(answer(401, b"", ("WWW-Authenticate", "Basic"), ("ActivityId", "5f1c2d3e-0000"))))
        ).connection_data()
    assert type(raised.value) is errors.TokenRefused
    assert raised.value.activity_id == "5f1c2d3e-0000"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"authenticatedUser": None},
        {"authenticatedUser": {}},
        {"authenticatedUser": {"id": ME}},
        {"authenticatedUser": {"id": 7}, "instanceId": "org-id"},
        {"authenticatedUser": [], "instanceId": "org-id"},
    ],
)
def test_an_answer_that_names_no_person_or_organization_is_no_answer(
    serve: Serve, client: MakeClient, body: dict[str, object]
) -> None:
    with pytest.raises(errors.UnexpectedAnswer):
        client(serve(always(json_answer(body)))).connection_data()


FULL = {
    "id": "p-1",
    "name": "Größe & Co",
    "state": "wellFormed",
    "url": "https://dev.azure.com/acme/_apis/projects/p-1",
    "visibility": "organization",
    "description": "All of it",
    "lastUpdateTime": "2026-01-10T12:22:41.5538411Z",
    "revision": 7,
}


def test_a_project_is_read_whole(serve: Serve, client: MakeClient) -> None:
    server = serve(always(json_answer(FULL)))
    assert client(server).project("Größe & Co") == Project(
        id="p-1",
        name="Größe & Co",
        state="wellFormed",
        visibility="organization",
        description="All of it",
        last_updated_at=datetime(2026, 1, 10, 12, 22, 41, 553841, tzinfo=UTC),
    )
    assert server.seen[0].path == "/acme/_apis/projects/Gr%C3%B6%C3%9Fe%20%26%20Co"


def test_a_project_may_have_little_more_than_a_name(serve: Serve, client: MakeClient) -> None:
    project = client(serve(always(json_answer({"id": "p-1", "name": "Web"})))).project("Web")
    assert project == Project(id="p-1", name="Web", state="unchanged")


def test_a_project_that_never_changed_has_no_date(serve: Serve, client: MakeClient) -> None:
    server = serve(always(json_answer(FULL | {"lastUpdateTime": "0001-01-01T00:00:00"})))
    assert client(server).project("x").last_updated_at is None


@pytest.mark.parametrize("broken", [{}, {"id": "p"}, {"name": "x"}, {"id": "", "name": "x"}, {"id": 1, "name": "x"}])
def test_a_project_without_id_or_name_is_left_out_and_counted(
    serve: Serve, client: MakeClient, broken: dict[str, object]
) -> None:
    page = client(serve(always(json_answer(listing(FULL, broken))))).projects_page()
    assert (len(page.items), page.left_out) == (1, 1)


def test_a_list_of_which_nothing_can_be_read_is_no_empty_list(serve: Serve, client: MakeClient) -> None:
    with pytest.raises(errors.UnexpectedAnswer):
        client(serve(always(json_answer(listing({}, {"id": 1}))))).projects_page()


def test_projects_of_another_state_are_asked_for_by_it(serve: Serve, client: MakeClient) -> None:
    server = serve(always(json_answer(listing())))
    assert client(server).projects_page(state="deleted", top=3).items == ()
    assert server.seen[0].query == "$top=3&stateFilter=deleted&api-version=7.1"
