"""What is said about each role names everything that its permissions allow, and nothing else."""

import re
from pathlib import Path

import pytest

from delivery import operations
from delivery.operations import Operation
from people import roles
from people.roles import Role

OPERATING = Path(__file__).resolve().parents[2] / "docs" / "operating.md"

# In which words a role's text says each permission.
WORDS = {
    "connections.view_connection": "connections",
    "connections.view_auditrun": "connections",
    "connections.view_guardrails": "connections",
    "history.view_event": "history",
    "delivery.view_repository": "repositories",
    "delivery.view_releasepipeline": "releases",
    "delivery.view_pipeline": "pipelines, builds",
    "connections.test_connection": "tests connections",
    "connections.audit_connection": "starts and cancels audits",
    "delivery.refresh_repository": "syncs repositories",
    "delivery.run_pipeline": "runs pipelines",
    "delivery.cancel_build": "cancels builds",
    "connections.add_connection": "connects",
    "connections.change_connection": "edits",
    "connections.rotate_connection": "updates tokens",
    "connections.disable_connection": "disables",
    "connections.delete_connection": "disconnects",
    "connections.declare_leak": "declares them leaked",
    "connections.view_registerentry": "register of credentials",
    "connections.add_registerentry": "keeps the register",
    "connections.change_registerentry": "keeps the register",
    "connections.delete_registerentry": "keeps the register",
    "delivery.create_repository": "creates repositories",
    "delivery.write_code": "creates branches and commits files",
    "delivery.create_release": "creates, deploys and cancels releases",
    "delivery.deploy_release": "deploys and cancels releases",
    "delivery.approve_deployment": "approves and rejects deployments",
}
LIMITED = [role for role in roles.ROLES if role.adds is not None]
ACTS = [value for value in vars(operations).values() if isinstance(value, Operation)]


@pytest.mark.parametrize("role", LIMITED, ids=lambda role: role.name)
def test_the_text_of_a_role_says_each_permission_that_it_adds(role: Role) -> None:
    for permission in role.adds or ():
        assert WORDS[permission] in role.sentence, permission


@pytest.mark.parametrize("role", LIMITED, ids=lambda role: role.name)
def test_the_text_of_a_role_promises_no_permission_that_it_lacks(role: Role) -> None:
    allowed = roles.permissions_of(role) or frozenset()
    beyond = {words for permission, words in WORDS.items() if permission not in allowed}
    assert {words for words in beyond if re.search(rf"\b{words}\b", role.sentence)} == set()


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.key)
def test_everything_people_do_at_azure_devops_is_said_of_the_role_that_may_first(act: Operation) -> None:
    first = next(role for role in roles.ROLES if act.permission in (roles.permissions_of(role) or {act.permission}))
    assert WORDS[act.permission] in first.sentence


def test_the_documents_say_of_each_role_what_the_pages_say() -> None:
    rows = re.findall(r"^\| (\w+) \| (.+) \|$", OPERATING.read_text(encoding="utf-8"), re.MULTILINE)
    said = {name: words for name, words in rows if name in roles.BY_NAME}
    assert said == {role.name: role.sentence for role in roles.ROLES}


def test_the_threat_model_says_what_the_smallest_role_that_acts_can_run() -> None:
    text = (OPERATING.parent / "threat-model.md").read_text(encoding="utf-8")
    first = next(role for role in roles.ROLES if "delivery.run_pipeline" in (roles.permissions_of(role) or ()))
    assert re.search(rf"^- \*\*An? {first.name} can run code in Azure DevOps\*\*", text, re.MULTILINE)
