"""What an application may do is asked by the names of actions, in as few calls as possible."""

from collections.abc import Iterator

import pytest

from connections.providers.azure_devops import errors, permissions
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.permissions import BUILD, GIT, NAMESPACES, NEEDED, RELEASE
from connections.providers.azure_devops.transport import Transport
from connections.providers.organization import ProjectRef
from tests.connections.providers.azure_devops.loopback import Loopback, Seen, Wire, always, json_answer, listing

# In another order than Azure DevOps has them today.
BITS = {
    GIT: {"CreateRepository": 2, "GenericContribute": 16, "GenericRead": 512},
    BUILD: {"QueueBuilds": 1, "StopBuilds": 8, "ViewBuildDefinition": 64, "ViewBuilds": 4},
    RELEASE: {"CreateReleases": 2, "ManageDeployments": 4, "ViewReleaseDefinition": 8, "ViewReleases": 1},
}
ONE = ProjectRef("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "One")


def definitions(seen: Seen, wire: Wire) -> None:
    namespace = seen.path.rpartition("/")[2]
    actions = [{"name": name, "bit": bit, "displayName": "x"} for name, bit in BITS[namespace].items()]
    wire.send(json_answer(listing({"namespaceId": namespace, "actions": [*actions, {"bit": "x"}, None]})))


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    permissions.KEPT.forget()


def transport_to(server: Loopback) -> Transport:
    return Transport(Server("Loopback", server.url), "acme", PersonalAccessToken("abcdefgh"))


def test_bits_are_looked_up_by_the_name_of_their_action() -> None:
    with Loopback(definitions) as server, transport_to(server) as transport:
        read = {namespace: permissions.bits_of(transport, namespace) for namespace in NAMESPACES}
    assert read == BITS
    asked = {question.capability: question.bits for question in permissions.questions([ONE], read)}
    assert asked == {
        "code_read": 512,
        "code_write": 16,
        "code_manage": 2,
        "build_read": 68,
        "build_execute": 9,
        "release_read": 9,
        "release_execute": 2,
        "release_manage": 4,
    }


def test_an_action_that_is_gone_is_not_asked_for() -> None:
    without = {GIT: {"GenericRead": 512}, BUILD: BITS[BUILD]}
    asked = {question.capability for question in permissions.questions([ONE], without)}
    assert asked == {"code_read", "build_read", "build_execute"}


def test_a_verification_asks_a_hundred_questions_a_call_and_at_most_five_hundred() -> None:
    projects = [ProjectRef(f"{number}", f"P{number}") for number in range(100)]
    calls = permissions.calls_of(permissions.questions(projects, BITS))
    assert [len(call) for call in calls] == [100, 100, 100, 100, 96]
    assert len({question.project for call in calls for question in call}) == 62


def test_answers_belong_to_their_questions_in_any_order() -> None:
    def evaluated(seen: Seen, wire: Wire) -> None:
        body = seen.json()
        assert isinstance(body, dict)
        answers = [{**asked, "value": asked["securityNamespaceId"] == GIT} for asked in body["evaluations"]]
        answers[0]["value"] = None
        wire.send(json_answer({**body, "evaluations": [*reversed(answers), "noise"]}))

    asked = permissions.questions([ONE], BITS)
    with Loopback(evaluated) as server, transport_to(server) as transport:
        answers = permissions.evaluate(transport, asked)
    assert answers == {
        (capability, ONE.id): needed.namespace == GIT
        for capability, needed in NEEDED.items()
        if capability != "code_read"
    }
    assert (server.seen[0].method, server.seen[0].path) == ("POST", "/acme/_apis/security/permissionevaluationbatch")


@pytest.mark.parametrize("said", [{}, {"evaluations": "x"}])
def test_an_answer_without_evaluations_is_unexpected(said: object) -> None:
    with (
        Loopback(always(json_answer(said))) as server,
        transport_to(server) as transport,
        pytest.raises(errors.UnexpectedAnswer),
    ):
        permissions.evaluate(transport, permissions.questions([ONE], BITS))


def test_definitions_are_kept_by_organization() -> None:
    with Loopback() as server, transport_to(server) as transport:
        permissions.KEPT.keep(transport, BITS)
        other = Transport(Server("Loopback", server.url), "other", PersonalAccessToken("abcdefgh"))
        assert permissions.KEPT.get(transport) == BITS
        with other:
            assert permissions.KEPT.get(other) is None
