"""Pages that write in Azure DevOps: New repository, New branch, Commit a file. Each asks first."""

from typing import Any

from django.conf import settings
from django.contrib import messages as flash
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from connections.models import Connection
from delivery import connection_names, operations, reads
from delivery.confirmation import Question, ask_first, is_confirmed, posted
from delivery.domain.file_diff import DiffLine, file_diff
from delivery.forms import CommitForm, ConnectionForm, NewBranchForm, NewRepositoryForm
from delivery.models import Repository
from delivery.page_decorators import operation_page, read_page
from delivery.remote_problems import remote_problem
from delivery.remote_read import RemoteReadError
from delivery.repositories import repository_browser
from delivery.repositories.repository_changes import FileCommit, commit_file, create_branch, create_repository
from delivery.repositories.repository_list_views import repositories_url
from delivery.repositories.repository_views import find, page_url
from history.record import actor_of


@read_page(operations.CREATE_REPOSITORY.permission)
def new_repository_somewhere(request: HttpRequest) -> HttpResponse:
    """GET: the form of the connection in the query; of the default one, or the first, when none is said."""
    form = ConnectionForm(request.GET)
    found = form.chosen()
    if form.typed_name and found is None:
        flash.warning(request, f"No connection is named {form.typed_name}.")
    found = connection_names.first_id() if found is None else found
    return redirect("delivery:new-repository", pk=found) if found else redirect("delivery:repositories")


@operation_page(operations.CREATE_REPOSITORY)
def new_repository(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the form; POST asks, and then creates."""
    connection = get_object_or_404(reads.connections_with_capabilities(), pk=pk)
    projects = reads.present_projects(connection)
    form = NewRepositoryForm(request.POST or None, projects=[(str(project.pk), project.name) for project in projects])
    back = repositories_url(connection)
    if not form.is_valid():
        return _page(request, form, connection, operations.CREATE_REPOSITORY, back)
    project = get_object_or_404(projects, pk=form.cleaned_data["project"])
    name = form.cleaned_data["name"]
    if not is_confirmed(request):
        facts = [("Name", name), ("Project", project.name)]
        question = Question("Create this repository?", facts, "Create repository", back)
        return ask_first(request, question, connection, posted(form))
    try:
        made = create_repository(project, name, by=actor_of(request), now=timezone.now())
    except RemoteReadError as trouble:
        return _page(request, form, connection, operations.CREATE_REPOSITORY, back, trouble=trouble)
    flash.success(request, f"{made.name} is created in {project.name}.")
    return redirect(made)


@operation_page(operations.CREATE_BRANCH)
def new_branch(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the form; POST asks, and then creates."""
    repository = find(pk)
    connection, back = repository.project.connection, repository.get_absolute_url()
    source = request.GET.get("branch") or repository.branch
    form = NewBranchForm(request.POST or None, initial={"source": source})
    act = operations.CREATE_BRANCH
    if not form.is_valid():
        return _page(request, form, connection, act, back, repository=repository)
    name, source = form.cleaned_data["name"], form.cleaned_data["source"]
    if not is_confirmed(request):
        facts = [("Branch", name), ("From", source), ("Repository", repository.name)]
        question = Question("Create this branch?", facts, "Create branch", back)
        return ask_first(request, question, connection, posted(form))
    try:
        create_branch(repository, name, source=source, by=actor_of(request), now=timezone.now())
    except RemoteReadError as trouble:
        return _page(request, form, connection, act, back, repository=repository, trouble=trouble)
    flash.success(request, f"The branch {name} is created.")
    return redirect(page_url(repository, name))


@operation_page(operations.COMMIT_FILE)
def commit(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the form, filled with the file at `branch` and `path` if there is one; POST asks, and then commits."""
    repository = find(pk)
    connection, act = repository.project.connection, operations.COMMIT_FILE
    branch = request.GET.get("branch") or repository.branch or "main"
    back = page_url(repository, branch)
    if request.method == "GET":
        return _commit_page(request, repository, branch, back)
    form = CommitForm(request.POST, longest=settings.FILE_MAX_BYTES)
    if not form.is_valid():
        return _page(request, form, connection, act, back, repository=repository)
    wish = FileCommit(**{name: form.cleaned_data[name] for name in ("branch", "path", "content", "comment", "seen")})
    if not is_confirmed(request):
        return ask_first(request, _commit_question(repository, wish), connection, posted(form))
    try:
        commit_file(repository, wish, by=actor_of(request), now=timezone.now())
    except RemoteReadError as trouble:
        return _page(request, form, connection, act, back, repository=repository, trouble=trouble)
    flash.success(request, f"{wish.path} is committed to {wish.branch}.")
    return redirect(page_url(repository, wish.branch, wish.path))


def _commit_page(request: HttpRequest, repository: Repository, branch: str, back: str) -> HttpResponse:
    path = request.GET.get("path", "")
    initial: dict[str, Any] = {"branch": branch, "path": path.lstrip("/")}
    trouble = None
    if path and not path.endswith("/"):
        try:
            found = repository_browser.file_to_edit(repository, branch, path)
        except RemoteReadError as refusal:
            trouble = refusal
        else:
            initial |= {"content": found.text, "seen": found.object_id}
    form = CommitForm(initial=initial, longest=settings.FILE_MAX_BYTES)
    connection = repository.project.connection
    return _page(request, form, connection, operations.COMMIT_FILE, back, repository=repository, trouble=trouble)


def _commit_question(repository: Repository, wish: FileCommit) -> Question:
    facts = [("File", wish.path), ("Branch", wish.branch), ("Repository", repository.name), ("Message", wish.comment)]
    title = "Commit this change?" if wish.seen else "Commit this new file?"
    diff = _diff(repository, wish) if wish.seen else ()
    back = page_url(repository, wish.branch)
    return Question(title, facts, "Commit", back, preview="" if diff else wish.content, diff=diff)


def _diff(repository: Repository, wish: FileCommit) -> tuple[DiffLine, ...]:
    """What changes in the file; empty if it can't be read now, or was changed since the form was opened."""
    try:
        present = repository_browser.file_to_edit(repository, wish.branch, wish.path)
    except RemoteReadError:
        return ()
    return file_diff(present.text, wish.content) if present.object_id == wish.seen else ()


def _page(
    request: HttpRequest,
    form: BaseForm,
    connection: Connection,
    act: operations.Operation,
    back: str,
    *,
    repository: Repository | None = None,
    trouble: RemoteReadError | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "connection": connection,
        "repository": repository,
        "leave": operations.check_allowed(connection, act),
        "problem": remote_problem(connection, trouble),
        "said": trouble.said if trouble else "",
        "cancel_url": back,
        # A new repository may be made elsewhere; everything else happens where the repository is.
        "elsewhere": ConnectionForm({"connection_name": connection.name}) if repository is None else None,
        "connection_names": connection_names.suggested() if repository is None else [],
    }
    return render(request, "delivery/operation_form.html", context)
