"""New repository, New branch and Commit a file: asked first, tried once, recorded, and refused in words."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from connections.models import CapabilityState, Connection
from delivery.models import Project, Repository, SyncState
from history.models import Event
from sandbox.repositories import Repository as AzureRepository
from sandbox.server import Sandbox
from tests.factories import ConnectionFactory

Connect = Callable[..., Connection]
BringIn = Callable[[Connection], SyncState]
MAIN = "refs/heads/main"


def post(pages: Client, name: str, pk: int, data: dict[str, str], *, yes: bool = True) -> str:
    data = data | ({"confirmed": "1"} if yes else {})
    return pages.post(reverse(f"delivery:{name}", args=[pk]), data, follow=True).content.decode()


def file(**more: str) -> dict[str, str]:
    return {"branch": "main", "path": "docs/new.md", "content": "One.\r\nTwo.\r\n", "comment": "Say two things"} | more


def events(outcome: str) -> list[dict[str, object]]:
    return [one.detail for one in Event.objects.filter(kind__endswith=outcome)]


def writes(sandbox: Sandbox) -> int:
    return sum(request.method == "POST" for request in sandbox.requests)


def at_azure(azure: AzureRepository, path: str, ref: str = MAIN) -> bytes | None:
    return azure.commits[azure.refs[ref]].tree.get(path)


def test_nothing_is_written_before_the_person_says_yes(pages: Client, repository: Repository, sandbox: Sandbox) -> None:
    before = writes(sandbox)
    page = post(pages, "commit", repository.pk, file(), yes=False)
    assert "Commit this new file?" in page
    assert "Maya Sample" in page
    assert writes(sandbox) == before


def test_the_question_carries_everything_that_was_typed(pages: Client, repository: Repository) -> None:
    page = post(pages, "commit", repository.pk, file(content="<b>&\r\n"), yes=False)
    assert 'name="content" value="&lt;b&gt;&amp;\r\n"' in page


def test_a_new_file_is_committed_and_recorded(pages: Client, repository: Repository, azure: AzureRepository) -> None:
    page = post(pages, "commit", repository.pk, file())
    assert "/docs/new.md is committed to main." in page
    assert at_azure(azure, "/docs/new.md") == b"One.\nTwo.\n"
    event = Event.objects.get(kind="commit_file.done")
    assert event.actor_name == "maya"
    assert event.detail["what"] == "/docs/new.md on main in Tailspin"
    assert event.detail["commit"] == azure.refs[MAIN]


KEPT = {
    "Unix": b"One.\nTwo.\n",
    "Windows": b"One.\r\nTwo.\r\n",
    "mark": b"\xef\xbb\xbfOne.\nTwo.\n",
    "mark and Windows": b"\xef\xbb\xbfOne.\r\nTwo.\r\n",
    "no last line end": b"One.\nTwo.",
    "empty lines first and last": b"\n\nOne.\n\n\n",
    "blanks at the ends": b"  One.  \n\tTwo.\t",
    "one line": b"One.",
    "empty": b"",
    "only a mark": b"\xef\xbb\xbf",
    "a mark amid the text": "One.\ufeff\nTwo.\n".encode(),
    "other line separators": "One.\u2028\x85\x0b\x0cTwo.\n".encode(),
    "beyond ASCII": "Grüße, 設計, \N{GRINNING FACE}\n".encode(),
}


def push_to(azure: AzureRepository, path: str, content: bytes) -> None:
    """Let the file stand at the head of main."""
    head = azure.commits[azure.refs[MAIN]]
    azure.commits[head.id] = replace(head, tree={**head.tree, path: content})


@pytest.mark.parametrize("content", KEPT.values(), ids=KEPT)
def test_a_file_that_is_opened_and_committed_as_it_is_keeps_its_bytes(
    pages: Client, repository: Repository, azure: AzureRepository, content: bytes
) -> None:
    push_to(azure, "/a.txt", content)
    shown = pages.get(reverse("delivery:commit", args=[repository.pk]), {"branch": "main", "path": "/a.txt"})
    initial = shown.context["form"].initial
    # A browser sends each line end as two characters.
    as_sent = initial["content"].replace("\n", "\r\n")
    page = post(pages, "commit", repository.pk, file(path="a.txt", content=as_sent, seen=initial["seen"]))
    assert "/a.txt is committed to main." in page
    assert at_azure(azure, "/a.txt") == content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("Grüße".encode("latin-1"), "The file has another encoding"),
        ("Grüße".encode("utf-16"), "The file has another encoding"),
        ("Grüße".encode("utf-32"), "The file has another encoding"),
        (b"One.\r\nTwo.\n", "mixed line endings"),
        (b"One.\rTwo.\r", "mixed line endings"),
        (b"One.\0", "The file is binary"),
    ],
)
def test_a_file_that_a_form_cannot_keep_is_not_editable_and_stays_as_it_is(
    pages: Client, repository: Repository, azure: AzureRepository, content: bytes, words: str
) -> None:
    push_to(azure, "/a.txt", content)
    shown = pages.get(reverse("delivery:commit", args=[repository.pk]), {"branch": "main", "path": "/a.txt"})
    assert words in shown.content.decode()
    seen = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    assert words in post(pages, "commit", repository.pk, file(path="a.txt", content="x", seen=seen))
    assert at_azure(azure, "/a.txt") == content


@pytest.fixture
def leaked(pages: Client, repository: Repository, token_of: Callable[[str], str], azure: AzureRepository) -> bytes:
    """The content of /env.txt, in which the token of the connection stands."""
    post(pages, "commit", repository.pk, file(path="env.txt", content=f"PAT={token_of('full')}\r\n"))
    content = at_azure(azure, "/env.txt")
    assert content == f"PAT={token_of('full')}\n".encode()
    return content


def test_a_file_that_holds_our_own_token_is_shown_without_it_and_with_a_warning(
    pages: Client, repository: Repository, leaked: bytes, token_of: Callable[[str], str]
) -> None:
    page = pages.get(reverse("delivery:files", args=[repository.pk]), {"path": "/env.txt"}).content.decode()
    assert "PAT=[redacted]" in page
    assert "The file contains the token of this connection" in page
    assert token_of("full") not in page


def test_a_file_that_holds_our_own_token_cannot_be_edited_here(
    pages: Client, repository: Repository, leaked: bytes, azure: AzureRepository
) -> None:
    form = pages.get(reverse("delivery:commit", args=[repository.pk]), {"branch": "main", "path": "/env.txt"})
    assert "The file contains the token of this connection" in form.content.decode()
    assert "content" not in form.context["form"].initial
    seen = hashlib.sha1(b"blob %d\0" % len(leaked) + leaked, usedforsecurity=False).hexdigest()
    page = post(pages, "commit", repository.pk, file(path="env.txt", content="PAT=[redacted]", seen=seen))
    assert "The file contains the token of this connection" in page
    assert at_azure(azure, "/env.txt") == leaked


def test_a_push_just_before_is_met_by_looking_again(
    pages: Client, repository: Repository, azure: AzureRepository, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add(
        "status",
        status=409,
        method="POST",
        path="/pushes$",
        times=1,
        body='{"message": "TF401028: already updated", "typeKey": "GitReferenceStaleException"}',
        headers={"Content-Type": "application/json"},
    )
    assert "is committed to main" in post(pages, "commit", repository.pk, file())
    assert at_azure(azure, "/docs/new.md") is not None


def test_a_file_that_somebody_changed_meanwhile_is_not_overwritten(
    pages: Client, repository: Repository, azure: AzureRepository
) -> None:
    post(pages, "commit", repository.pk, file(path="a.txt"))
    old = pages.get(reverse("delivery:commit", args=[repository.pk]), {"branch": "main", "path": "/a.txt"})
    seen = old.context["form"].initial["seen"]
    post(pages, "commit", repository.pk, file(path="a.txt", content="theirs", seen=seen))
    page = post(pages, "commit", repository.pk, file(path="a.txt", content="mine", seen=seen))
    assert "The file was changed in the meantime" in page
    assert ">\nmine</textarea>" in page
    assert at_azure(azure, "/a.txt") == b"theirs"
    assert events("failed")[0]["problem"] == "file_changed"


def test_a_new_file_never_replaces_one_that_is_there(pages: Client, repository: Repository) -> None:
    assert "A file already exists at this path" in post(pages, "commit", repository.pk, file(path="README.md"))


def test_the_first_commit_begins_an_empty_repository(pages: Client, repository: Repository) -> None:
    empty = Repository.objects.get(name="Empty")
    assert "is committed to main" in post(pages, "commit", empty.pk, file(path="README.md"))
    empty.refresh_from_db()
    assert empty.default_branch == MAIN


def test_a_branch_is_created_where_another_is(pages: Client, repository: Repository, azure: AzureRepository) -> None:
    page = post(pages, "new-branch", repository.pk, {"source": "main", "name": "topic/new"})
    assert "The branch topic/new is created." in page
    assert azure.refs["refs/heads/topic/new"] == azure.refs[MAIN]
    assert events("done")[0]["branch"] == "refs/heads/topic/new"


@pytest.mark.parametrize("status", ["createBranchPermissionRequired", "rejectedByPlugin"])
def test_what_azure_devops_says_of_a_refused_branch_stands_beside_our_words(
    pages: Client, repository: Repository, sandbox: Sandbox, status: str
) -> None:
    said = "The user does not have force push permissions"
    refused = {"success": False, "updateStatus": status, "customMessage": said, "newObjectId": "0" * 40}
    sandbox.behaviour.add(
        "status",
        status=200,
        method="POST",
        path="/refs$",
        body=json.dumps({"count": 1, "value": [refused]}),
        headers={"Content-Type": "application/json"},
    )
    page = post(pages, "new-branch", repository.pk, {"source": "main", "name": "topic/new"})
    assert f"Azure DevOps said: <q>{said}</q>" in page
    (recorded,) = events(".failed")
    assert said not in str(recorded)


def test_a_branch_that_is_there_already_is_refused_although_the_answer_is_a_200(
    pages: Client, repository: Repository
) -> None:
    page = post(pages, "new-branch", repository.pk, {"source": "main", "name": "topic/search"})
    assert "is created" not in page
    assert events("failed")[0]["problem"] in ("name_taken", "conflict")


def test_a_repository_is_created_and_listed_at_once(pages: Client, repository: Repository, sandbox: Sandbox) -> None:
    project = repository.project
    page = post(pages, "new-repository", project.connection_id, {"project": str(project.pk), "name": "Fresh"})
    assert "Fresh is created in Tailspin." in page
    made = Repository.objects.get(name="Fresh")
    assert made.is_empty
    assert events("done")[0]["repository_id"] == made.azure_id


def test_a_new_repository_begins_at_the_default_connection_and_may_be_made_elsewhere(
    pages: Client, repository: Repository
) -> None:
    here, other = repository.project.connection, ConnectionFactory.create(name="Zebra", is_default=True)
    start = reverse("delivery:new-repository-somewhere")
    page = pages.get(start, follow=True)
    assert page.redirect_chain[0][0] == reverse("delivery:new-repository", args=[other.pk])
    assert 'name="connection_name" value="Zebra"' in page.content.decode()
    for named in ({"connection": str(here.pk)}, {"connection_name": here.name.upper()}):
        assert pages.get(start, named).headers["Location"].endswith(f"/{here.pk}/repositories/new/")
    page = pages.get(start, {"connection_name": "Nowhere"}, follow=True)
    assert "No connection is named Nowhere." in page.content.decode()
    assert start in pages.get(reverse("delivery:repositories")).content.decode()


def test_a_name_that_is_taken_is_refused_in_words(pages: Client, repository: Repository) -> None:
    project = repository.project
    page = post(pages, "new-repository", project.connection_id, {"project": str(project.pk), "name": "tailspin"})
    assert "is created" not in page
    assert events("failed")[0]["problem"] == "name_taken"


def test_a_project_of_another_connection_cannot_be_chosen(
    pages: Client, repository: Repository, connected: Connect, bring_in: BringIn
) -> None:
    bring_in(connected("Other", organization="acme"))
    other = Project.objects.exclude(connection=repository.project.connection).first()
    assert other is not None
    page = post(pages, "new-repository", repository.project.connection_id, {"project": str(other.pk), "name": "Fresh"})
    assert "Select a valid choice" in page


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("path", "../x", "not a path of a file inside the repository"),
        ("path", ".git/config", "not a path of a file inside the repository"),
        ("path", "", "Enter the path of the file."),
        ("branch", "a..b", "Git does not allow this name"),
        ("branch", "-x", "Git does not allow this name"),
        ("branch", "", "Enter a name for the branch."),
        ("comment", " ", "Describe your change."),
        ("content", "x" * 600_000, "has at most 524288 bytes"),
        ("path", "a\u202eb", "an invisible character"),
    ],
)
def test_bad_input_gets_a_message_and_loses_nothing(
    pages: Client, repository: Repository, sandbox: Sandbox, field: str, value: str, words: str
) -> None:
    before = writes(sandbox)
    page = post(pages, "commit", repository.pk, file(**{field: value}))
    assert words in page
    assert writes(sandbox) == before


def test_what_the_last_check_found_missing_is_disabled_with_reason_and_remedy(
    pages: Client, repository: Repository, sandbox: Sandbox
) -> None:
    CapabilityState.objects.filter(capability="code_write").update(verdict="missing")
    page = pages.get(repository.get_absolute_url()).content.decode()
    assert "The token lacks the scope Code: Read &amp; write." in page
    before = writes(sandbox)
    refused = post(pages, "commit", repository.pk, file())
    assert "Scope missing" in refused
    assert writes(sandbox) == before


def test_a_missing_right_of_the_person_is_told_apart_from_a_missing_scope(
    pages: Client, connected: Connect, bring_in: BringIn
) -> None:
    bring_in(connected(token="no-rights", organization="acme"))
    repository = Repository.objects.get(name="Storefront", project__name="Storefront")
    page = post(pages, "commit", repository.pk, file())
    assert "Not permitted" in page
    assert "GenericContribute" in page
    assert events("failed")[0]["problem"] == "access_denied"


def test_a_scope_that_was_taken_away_since_the_last_check_is_said(
    pages: Client, repository: Repository, sandbox: Sandbox
) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.scopes = ("vso.code",)
    assert "Scope missing" in post(pages, "commit", repository.pk, file())


def test_each_page_wants_its_own_permission(
    client: Client, repository: Repository, person: Callable[..., User]
) -> None:
    client.force_login(person("vera", "delivery.view_repository", "connections.view_connection"))
    for name, pk in (
        ("commit", repository.pk),
        ("new-branch", repository.pk),
        ("new-repository", repository.project.connection_id),
    ):
        assert client.get(reverse(f"delivery:{name}", args=[pk])).status_code == 403
    page = client.get(repository.get_absolute_url()).content.decode()
    assert "Add a file" not in page
