"""What a client is permitted to do, asked from the permission API."""

from typing import Any

import pytest

from sandbox.security import namespaces
from sandbox.server import Sandbox
from tests.sandbox.conftest import Caller
from tests.sandbox.official import connect

GIT = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"
BUILD = "33344d9c-fc72-4d6f-aba5-fa317101a7e9"
RELEASE = "c788c23e-1b46-4162-8f5e-d7585343b5de"
PROJECT = "52d39943-cb85-4d7f-8fa8-c6baac873819"
BATCH = "/acme/_apis/security/permissionevaluationbatch"
STORE, PAYMENTS = 0, 1


@pytest.fixture
def projects(sandbox: Sandbox) -> list[str]:
    """The ids of the projects of acme."""
    return [project.id for project in sandbox.state.organizations["acme"].projects]


def bits(call: Caller, namespace: str, organization: str = "acme") -> dict[str, int]:
    [found] = call("GET", f"/{organization}/_apis/securitynamespaces/{namespace}").json()["value"]
    return {action["name"]: action["bit"] for action in found["actions"]}


def token(namespace: str, project: str) -> str:
    if namespace == PROJECT:
        return f"$PROJECT:vstfs:///Classification/TeamProject/{project}"
    return f"repoV2/{project}" if namespace == GIT else project


def may(call: Caller, sandbox: Sandbox, who: str, project: str, *asked: tuple[str, str]) -> list[bool]:
    """What the batch call says about actions in a project."""
    evaluations = [
        {
            "securityNamespaceId": namespace,
            "token": token(namespace, project),
            "permissions": bits(call, namespace)[action],
        }
        for namespace, action in asked
    ]
    body = {"alwaysAllowAdministrators": False, "evaluations": evaluations}
    header = {"Authorization": f"Bearer {sandbox.entra.access_token(who)}"}
    answer = call("POST", BATCH, token=None, headers=header, json=body).json()
    assert [{**answered, "value": None} for answered in answer["evaluations"]] == [
        {**asked, "value": None} for asked in evaluations
    ]
    return [answered["value"] for answered in answer["evaluations"]]


EVERYTHING = (
    (PROJECT, "GENERIC_READ"),
    (GIT, "GenericRead"),
    (GIT, "GenericContribute"),
    (GIT, "CreateRepository"),
    (BUILD, "ViewBuilds"),
    (BUILD, "QueueBuilds"),
    (RELEASE, "ViewReleases"),
    (RELEASE, "CreateReleases"),
)


@pytest.mark.parametrize(
    ("who", "project", "said"),
    [
        ("full", STORE, "yyyyyyyy"),
        ("reader", STORE, "yynnynyn"),
        ("limited", STORE, "yyynyyyn"),
        ("limited", PAYMENTS, "yyynynyn"),
        ("limited", 5, "nnnnnnnn"),
        ("stakeholder", STORE, "yyyyyyyy"),
    ],
)
def test_the_batch_says_what_a_principal_may_do_in_a_project(
    call: Caller, sandbox: Sandbox, projects: list[str], who: str, project: int, said: str
) -> None:
    assert may(call, sandbox, who, projects[project], *EVERYTHING) == [letter == "y" for letter in said]


def test_bits_differ_between_organizations_and_are_powers_of_two(call: Caller) -> None:
    here, there = bits(call, GIT), bits(call, GIT, "fabrikam")
    assert here != there
    assert set(here) == set(there)
    assert sorted(here.values()) == [1 << position for position in range(len(here))]


def test_two_namespaces_have_the_same_name(call: Caller) -> None:
    listed = call("GET", "/acme/_apis/securitynamespaces").json()["value"]
    assert [namespace["name"] for namespace in listed].count("ReleaseManagement") == 2
    assert {namespace["namespaceId"] for namespace in listed} == set(namespaces())


def test_all_bits_are_needed_and_each_token_is_answered(call: Caller, projects: list[str]) -> None:
    known = bits(call, GIT)
    both = known["GenericRead"] | known["GenericContribute"]
    tokens = f"repoV2/{projects[0]},repoV2/{projects[0]}/some-repository,repoV2/nowhere"
    path = f"/acme/_apis/permissions/{GIT}/{both}"
    assert call("GET", path, params={"tokens": tokens}).json()["value"] == [True, True, False]
    guest = call("GET", path, params={"tokens": tokens}, token="no-rights").json()
    assert guest == {"count": 3, "value": [False, False, False]}


def test_a_bit_that_no_action_has_is_never_permitted(call: Caller, projects: list[str]) -> None:
    path = f"/acme/_apis/permissions/{GIT}/{1 << 30}"
    assert call("GET", path, params={"tokens": f"repoV2/{projects[0]}"}).json()["value"] == [False]


def test_an_unknown_namespace_is_refused(call: Caller) -> None:
    path = "/acme/_apis/permissions/00000000-1111-4222-8333-444444444444/1"
    assert call("GET", path, params={"tokens": "x"}).status_code == 404
    assert call("GET", path.replace("permissions", "securitynamespaces").removesuffix("/1")).json()["count"] == 0


@pytest.mark.parametrize("body", [{}, {"evaluations": "x"}, {"evaluations": [1]}, {"evaluations": [{"token": "x"}]}])
def test_a_batch_in_the_wrong_form_is_refused(call: Caller, body: Any) -> None:
    assert call("POST", BATCH, json=body).status_code == 400


def test_the_official_client_asks_with_a_bearer(sandbox: Sandbox, projects: list[str]) -> None:
    from azure.devops.v7_1.security.models import PermissionEvaluation, PermissionEvaluationBatch
    from msrest.authentication import BasicTokenAuthentication

    signed_in = BasicTokenAuthentication({"access_token": sandbox.entra.access_token("limited")})
    client = connect(f"{sandbox.url}/acme", credentials=signed_in).clients_v7_1.get_security_client()
    [git] = client.query_security_namespaces(GIT)
    bit = next(action.bit for action in git.actions if action.name == "GenericContribute")
    asked = PermissionEvaluation(permissions=bit, security_namespace_id=GIT, token=f"repoV2/{projects[0]}")
    batch = client.has_permissions_batch(PermissionEvaluationBatch(False, [asked]))
    assert [evaluation.value for evaluation in batch.evaluations] == [True]
    assert client.has_permissions(GIT, bit, tokens=f"repoV2/{projects[9]}") == [False]
