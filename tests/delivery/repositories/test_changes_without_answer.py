"""Changes of which no answer came: they are looked for, never sent twice, and never taken for something else."""

import pytest
from django.test import Client

from delivery.models import Repository
from sandbox.repositories import Repository as AzureRepository
from sandbox.server import Sandbox
from tests.delivery.repositories.test_repository_changes import at_azure, events, file, post, writes


@pytest.mark.parametrize("kind", ["reset", "status"])
def test_after_silence_it_looks_whether_it_happened_and_never_tries_again(
    pages: Client, repository: Repository, azure: AzureRepository, sandbox: Sandbox, kind: str
) -> None:
    sandbox.behaviour.add(kind, status=502, method="POST", path="/pushes$", times=1)
    before = writes(sandbox)
    page = post(pages, "commit", repository.pk, file())
    assert "is committed" not in page
    assert writes(sandbox) == before + 1
    assert at_azure(azure, "/docs/new.md") is None


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("commit", file(), "/docs/new.md is committed to main."),
        ("new-branch", {"source": "main", "name": "topic/new"}, "The branch topic/new is created."),
        ("new-repository", {"project": "", "name": "Fresh"}, "Fresh is created in Tailspin."),
    ],
)
def test_what_was_done_although_the_answer_was_lost_is_found_and_not_done_twice(
    pages: Client, repository: Repository, sandbox: Sandbox, name: str, data: dict[str, str], words: str
) -> None:
    sandbox.behaviour.add("reset", method="POST", carried_out=True)
    pk = repository.pk
    if name == "new-repository":
        pk, data = repository.project.connection_id, data | {"project": str(repository.project_id)}
    before = writes(sandbox)
    assert words in post(pages, name, pk, data)
    assert writes(sandbox) == before + 1
    assert len(events("done")) == 1


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("new-branch", {"source": "main", "name": "topic/new"}, "topic/new is created"),
        ("new-repository", {"project": "", "name": "Fresh"}, "Fresh is created"),
    ],
)
def test_what_was_there_before_is_not_taken_for_what_was_created_after_silence(
    pages: Client, repository: Repository, sandbox: Sandbox, name: str, data: dict[str, str], words: str
) -> None:
    pk = repository.pk
    if name == "new-repository":
        pk, data = repository.project.connection_id, data | {"project": str(repository.project_id)}
    assert words in post(pages, name, pk, data)
    sandbox.behaviour.add("reset", method="POST")
    assert words not in post(pages, name, pk, data)
    assert len(events("done")) == 1


def test_a_commit_that_was_not_even_sent_is_not_taken_for_an_earlier_one_with_its_message(
    pages: Client, repository: Repository, sandbox: Sandbox
) -> None:
    post(pages, "commit", repository.pk, file())
    before = writes(sandbox)
    sandbox.behaviour.add("status", status=500, method="GET", path="/refs$", times=1)
    page = post(pages, "commit", repository.pk, file(path="docs/other.md"))
    assert "is committed" not in page
    assert writes(sandbox) == before
    assert len(events("done")) == 1
    assert events("failed")[0]["problem"] == "server_error"


def test_where_it_cannot_be_told_the_history_says_so(pages: Client, repository: Repository, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("reset", path="/pushes$")
    sandbox.behaviour.add("status", status=500, path="/refs$", after=1)
    page = post(pages, "commit", repository.pk, file())
    assert "We can&#x27;t confirm whether this succeeded" in page
    assert events("failed")[0]["problem"] == "outcome_unknown"
