"""What mails say of a connection that is limited to some projects."""

import pytest
from django.contrib.auth.models import User

from connections.models import Connection, Mail
from sandbox.server import Sandbox
from sandbox.state import Project
from tests.connections.denials import WRITES, deny, hide
from tests.connections.limits import Connected, limit, look

WHERE = "Denied in Storefront, granted in Tailwind"


@pytest.fixture
def projects(sandbox: Sandbox) -> list[Project]:
    return sandbox.state.organizations["acme"].projects


@pytest.fixture
def mixed(connected: Connected, sandbox: Sandbox, projects: list[Project]) -> Connection:
    """Denied in Storefront, granted in Tailwind."""
    projects[3].name, projects[4].name = "Storefront", "Tailwind"
    connection = limit(connected(), projects[3], projects[4])
    deny(sandbox, projects[3].id, path=WRITES)
    return connection


@pytest.fixture
def owner(maintainer: User) -> User:
    maintainer.email = "maya.owner@example.com"
    maintainer.save()
    return maintainer


def two_looks(connection: Connection) -> Mail:
    look(connection)
    look(connection)
    return Mail.objects.get()


def test_a_mail_about_lost_rights_says_where_they_are_denied_and_does_not_ask_for_scopes(
    owner: User, connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    projects[3].name = "<b>Store</b>"
    connection = limit(connected(), projects[3])
    deny(sandbox, projects[3].id, path=WRITES)
    mail = two_looks(connection)
    assert "lost permissions" in mail.subject
    assert "- Code: Read & write: Denied in <b>Store</b>. You cannot create branches" in mail.text
    assert "add the missing scopes" not in mail.text
    assert "Scopes to select" not in mail.text + mail.html
    assert "Edit the token" not in mail.text + mail.html
    assert "Maya Sample lacks a permission" in mail.text
    assert "<b>" not in mail.html
    assert "Denied in &lt;b&gt;Store&lt;/b&gt;" in mail.html


def test_a_mail_about_lost_scopes_names_the_project_that_was_tried(
    owner: User, connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    connection = limit(connected(), projects[3])
    token = sandbox.state.token_named("full")
    assert token is not None
    token.scopes = ("vso.code_manage", "vso.release_manage")
    mail = two_looks(connection)
    assert "lost scopes" in mail.subject
    assert "- Build: Read: Missing." in mail.text
    for text in (mail.text, mail.html):
        assert f"Tested in {projects[3].name}." in text


def test_a_mail_says_what_works_in_some_projects_only(owner: User, mixed: Connection, sandbox: Sandbox) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.scopes = ("vso.code_manage", "vso.release_manage")
    mail = two_looks(mixed)
    for text in (mail.text, mail.html.replace("&amp;", "&")):
        assert f"Code: Read & write: {WHERE}." in text


def test_a_mail_says_that_no_chosen_project_is_visible_and_another_that_one_is_again(
    owner: User, connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    connection = limit(connected(), projects[3])
    hide(sandbox, projects[3].id)
    mail = two_looks(connection)
    assert "works with limitations" in mail.subject
    assert "Edit the token" not in mail.text + mail.html
    assert "Tested in" not in mail.text + mail.html
    assert "cannot see any of the projects that this connection is limited to" in mail.text
    assert f"- {projects[3].name}" in mail.text
    projects[3].seen_by = None
    look(connection)
    assert [one.kind for one in Mail.objects.order_by("pk")] == ["limited", "recovered"]
