"""One build, its steps and its logs, updated while it runs; Run pipeline and Cancel."""

from datetime import datetime
from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from connections.providers.azure_devops.errors import NotFound
from connections.providers.azure_devops.timeline import Step
from connections.views.common import problem_about
from delivery import operations
from delivery.builds import build_changes, build_reads
from delivery.builds.build_list_views import find, pipeline_context
from delivery.builds.build_presenters import build_row, log_line, step_rows
from delivery.confirmation import Question, ask_first, is_confirmed, posted
from delivery.forms import RunForm
from delivery.live import polling
from delivery.live.items import BuildView
from delivery.live_views import Live, open_live, seconds_after
from delivery.models import Pipeline
from delivery.page_decorators import operation_page, read_page
from delivery.remote_problems import remote_problem
from delivery.remote_read import RemoteReadError
from history.record import actor_of

# How often the page of a build is refreshed while it runs.
# As often as `delivery.live.items` reads a running build.
_REFRESH_SECONDS = 3
# The id of the element that requests newer lines of a log.
_FOLLOWING = "log-end"


@read_page("delivery.view_pipeline")
def page(request: HttpRequest, pk: int, build_id: int) -> HttpResponse:
    """GET /builds/<pipeline>/<build>/: updates automatically while it runs."""
    return _page(request, find(pk), build_id)


def _page(
    request: HttpRequest, pipeline: Pipeline, build_id: int, refusal: RemoteReadError | None = None
) -> HttpResponse:
    now = timezone.now()
    connection = pipeline.project.connection
    live = _live_build(request, pipeline, build_id)
    is_running = live.value is not None and not live.value.build.is_over
    context: dict[str, Any] = {
        "build_id": build_id,
        "now": now,
        **pipeline_context(request, pipeline),
        **live.context(request, connection, seconds=_REFRESH_SECONDS if is_running else None),
        "refusal": remote_problem(connection, refusal),
        "said": refusal.said if refusal else "",
        "cancel_url": reverse("delivery:cancel-build", args=[pipeline.pk, build_id]),
    }
    if live.value is not None:
        steps_problem = live.value.steps_problem
        context |= {
            "build": live.value.build,
            "row": build_row(live.value.build, now),
            "steps": step_rows(live.value.steps, now),
            "steps_problem": problem_about(connection, steps_problem) if steps_problem else None,
            "log_id": _interesting_log([step for _, step in live.value.steps]),
        }
    return render(request, "delivery/builds/build.html", context)


def _live_build(request: HttpRequest, pipeline: Pipeline, build_id: int) -> Live[BuildView]:
    live = open_live(request, pipeline.project, polling.BUILD, build_id, BuildView)
    if live.value is None or build_reads.is_of(pipeline, live.value.build):
        return live
    return Live(failure=RemoteReadError(NotFound.code))


def _interesting_log(steps: list[Step]) -> int | None:
    """The log to offer first: of a step that failed, otherwise of the last step that has one."""
    with_log = [step for step in steps if step.log_id is not None and step.kind == "Task"]
    failed = [step for step in with_log if step.result == "failed"]
    chosen = failed[:1] or with_log[-1:]
    return chosen[0].log_id if chosen else None


@read_page("delivery.view_pipeline")
def log(request: HttpRequest, pk: int, build_id: int, log_id: int) -> HttpResponse:
    """GET: lines of one log from the line `first` on, or its end. Newer lines are appended while the build runs.

    It is read on demand, and again only when the build itself was polled. A page that follows gets lines alone when
    reading fails, which name the failure and follow on.
    """
    pipeline = find(pk)
    text = request.GET.get("first", "")
    first = max(int(text), 1) if text.isascii() and text.isdecimal() and len(text) < 9 else None
    live = _live_build(request, pipeline, build_id)
    context: dict[str, Any] = {
        "build_id": build_id,
        "here": reverse("delivery:build-log", args=[pipeline.pk, build_id, log_id]),
        "download_url": reverse("delivery:download-log", args=[pipeline.pk, build_id, log_id]),
        "now": timezone.now(),
        **pipeline_context(request, pipeline),
        **live.context(request, pipeline.project.connection, seconds=None),
    }
    if live.value is not None:
        try:
            context |= _log_context(pipeline, live.value, log_id, first, live.read_at)
        except RemoteReadError as failure:
            context["problem"] = remote_problem(pipeline.project.connection, failure)
            context["refresh_seconds"] = seconds_after(failure)
    if "part" not in context and first is not None and request.headers.get("HX-Target") == _FOLLOWING:
        return render(request, "delivery/builds/lines.html", context | _interrupted(first, context["refresh_seconds"]))
    return render(request, "delivery/builds/log.html", context)


@read_page("delivery.view_pipeline")
def download_log(request: HttpRequest, pk: int, build_id: int, log_id: int) -> HttpResponseBase:
    """GET: a whole log as a text file, read and sent part by part. If its first part can't be read, the log's page."""
    pipeline = find(pk)
    try:
        part = build_reads.log_part(pipeline, build_id, log_id, first=1, as_of=None)
    except RemoteReadError:
        return redirect("delivery:build-log", pk=pk, build_id=build_id, log_id=log_id)
    lines = build_reads.rest_of_log(pipeline, build_id, log_id, part)
    response = StreamingHttpResponse((f"{line}\n" for line in lines), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="build-{build_id}-log-{log_id}.txt"'
    return response


def _interrupted(first: int, seconds: int | None) -> dict[str, Any]:
    """The end of a followed log whose newer lines, from `first` on, could not be read; tried again after `seconds`."""
    return {
        "part": build_reads.LogPart(first, (), more=False),
        "is_interrupted": True,
        "follows": seconds is not None,
        "follow_seconds": seconds,
    }


def _log_context(
    pipeline: Pipeline, view: BuildView, log_id: int, first: int | None, as_of: datetime | None
) -> dict[str, Any]:
    part = build_reads.log_part(pipeline, view.build.id, log_id, first=first, as_of=as_of)
    step = next((step for _, step in view.steps if step.log_id == log_id), None)
    return {
        "row": build_row(view.build, timezone.now()),
        "step_name": step.name if step else f"Log {log_id}",
        "lines": [log_line(part.first + index, line) for index, line in enumerate(part.lines)],
        "part": part,
        "earlier": max(part.first - build_reads.LINES_PER_PART, 1) if part.first > 1 else None,
        "follows": not part.more and not view.build.is_over,
    }


@operation_page(operations.RUN_PIPELINE)
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the form with branches to choose from; POST asks for confirmation, and then queues."""
    pipeline = find(pk)
    suggestions, failure = _suggestions(pipeline)
    first = suggestions[0] if suggestions else ""
    form = RunForm(request.POST or None, initial={"branch": first}, has_suggestions=bool(suggestions))
    if not form.is_valid():
        return _run_page(request, pipeline, form, suggestions, failure)
    branch, connection = form.cleaned_data["branch"], pipeline.project.connection
    if not is_confirmed(request):
        facts = [("Pipeline", pipeline.name), ("Branch", branch), ("Project", pipeline.project.name)]
        question = Question("Run this pipeline?", facts, "Run pipeline", pipeline.get_absolute_url())
        return ask_first(request, question, connection, posted(form))
    try:
        queued = build_changes.run_pipeline(pipeline, branch, by=actor_of(request), now=timezone.now())
    except RemoteReadError as refusal:
        return _run_page(request, pipeline, form, suggestions, refusal)
    flash.success(request, f"{pipeline.name} is queued as {queued.number}.")
    return redirect("delivery:build", pk=pipeline.pk, build_id=queued.id)


def _suggestions(pipeline: Pipeline) -> tuple[tuple[str, ...], RemoteReadError | None]:
    try:
        return build_reads.suggested_branches(pipeline), None
    except RemoteReadError as failure:
        # The branch can still be typed.
        return (), failure


def _run_page(
    request: HttpRequest,
    pipeline: Pipeline,
    form: RunForm,
    suggestions: tuple[str, ...],
    failure: RemoteReadError | None,
) -> HttpResponse:
    context = {
        "form": form,
        "suggestions": suggestions,
        "problem": remote_problem(pipeline.project.connection, failure),
        "said": failure.said if failure else "",
        **pipeline_context(request, pipeline),
    }
    return render(request, "delivery/builds/run.html", context)


@operation_page(operations.CANCEL_BUILD, methods=["POST"])
def cancel(request: HttpRequest, pk: int, build_id: int) -> HttpResponse:
    """POST asks for confirmation, and then cancels the build."""
    pipeline = find(pk)
    if not is_confirmed(request):
        facts = [("Build", str(build_id)), ("Pipeline", pipeline.name), ("Project", pipeline.project.name)]
        back = reverse("delivery:build", args=[pipeline.pk, build_id])
        question = Question("Cancel this build?", facts, "Cancel the build", back, danger=True)
        return ask_first(request, question, pipeline.project.connection, {})
    try:
        build_changes.cancel_build(pipeline, build_id, by=actor_of(request), now=timezone.now())
    except RemoteReadError as refusal:
        return _page(request, pipeline, build_id, refusal)
    flash.success(request, f"Build {build_id} is being cancelled.")
    return redirect("delivery:build", pk=pipeline.pk, build_id=build_id)
