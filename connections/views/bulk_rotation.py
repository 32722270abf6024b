"""Rotation: everything that expires soon, walked through one step after another."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections import clients, reads
from connections.actions import versions
from connections.actions.bulk_rotate import (
    BulkVerification,
    Swapped,
    bulk_rotate,
    kept_for_bulk,
    tests_of_refused,
    verify_for_bulk,
)
from connections.actions.refusals import CannotRotate
from connections.actions.rotate import Replacement
from connections.domain import rotation_plan
from connections.domain.rotation_plan import PlannedConnection, RotationStep
from connections.domain.token_policy import Rule
from connections.filters import WithinForm
from connections.forms import RotateForm, VerifyReplacementForm
from connections.models import Connection, StoredTokenPolicy
from connections.old_tokens import replaced_tokens
from connections.providers.organization import Place
from connections.views.common import (
    guide_context,
    person,
    rotation_step_url,
    shown_version,
    tokens_page_of,
    warn_of_violations,
)
from connections.views.old_tokens import old_token_view
from connections.views.presenters import states
from connections.views.report_presenter import ReportView
from connections.views.token_panel import ComparisonView, TokenPanel, comparison_rows, new_token_report
from history.record import actor_of

may_rotate = permission_required("connections.rotate_connection", raise_exception=True)
hide_token = sensitive_post_parameters("token")


@dataclass(frozen=True, slots=True)
class Group:
    """The connections of one person at one place, as the plan lists them."""

    organization: str
    server: str
    person: str
    rows: list[dict[str, Any]]
    together: RotationStep


@require_safe
@may_rotate
def rotation(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/rotation/: what expires within so many days; the number stands in the URL."""
    form = WithinForm(request.GET)
    within = form.days()
    today = timezone.localdate()
    found = reads.expiring(within=within, today=today)
    marked = reads.with_fingerprints(found[: rotation_plan.MOST_CONNECTIONS])
    entries = [_entry(connection, fingerprint) for connection, fingerprint in marked]
    may_share = StoredTokenPolicy.now().reuse is not Rule.REFUSE
    context = {
        "form": form,
        "within": within,
        "total": found.count(),
        "shown": len(entries),
        "groups": _groups([connection for connection, _ in marked], entries, may_share=may_share),
        "shared": _shared(marked, entries) if may_share else [],
        "rails": StoredTokenPolicy.now(),
    }
    return render(request, "connections/rotation.html", context)


def _entry(connection: Connection, fingerprint: str) -> PlannedConnection:
    place = (connection.server, connection.organization, connection.identity_id)
    return PlannedConnection(connection.pk, place, fingerprint)


def _groups(connections: Sequence[Connection], entries: Sequence[PlannedConnection], *, may_share: bool) -> list[Group]:
    today = timezone.localdate()
    sets = {number: step for step in rotation_plan.same_person(entries) for number in step}
    found: dict[object, Group] = {}
    for connection, entry in zip(connections, entries, strict=True):
        group = found.setdefault(
            entry.place_and_person,
            Group(
                connection.organization,
                connection.server,
                connection.identity_name,
                [],
                sets.get(entry.id, ()) if may_share else (),
            ),
        )
        group.rows.append({"connection": connection, "state": states(connection, today=today)})
    return list(found.values())


def _shared(marked: Sequence[tuple[Connection, str]], entries: Sequence[PlannedConnection]) -> list[dict[str, Any]]:
    """Sets that keep one token; chosen beforehand where it can go on so, in one organization."""
    by_id = {connection.pk: connection for connection, _ in marked}
    found = []
    for step in rotation_plan.sharing(entries):
        members = [by_id[number] for number in step]
        places = {(member.server, member.organization) for member in members}
        found.append({"key": step[0], "names": [member.name for member in members], "one_place": len(places) == 1})
    return found


@require_safe
@may_rotate
def plan(request: HttpRequest) -> HttpResponse:
    """GET: turn what was ticked into steps, and begin."""
    within = WithinForm(request.GET).days()
    found = reads.expiring(within=within, today=timezone.localdate())
    listed = reads.with_fingerprints(found[: rotation_plan.MOST_CONNECTIONS])
    entries = [_entry(connection, fingerprint) for connection, fingerprint in listed]
    wanted = set(_numbers(request.GET, "connection"))
    chosen = [planned_connection.id for planned_connection in entries if planned_connection.id in wanted]
    if not chosen:
        flash.error(request, "Choose at least one connection.")
        return redirect(f"{reverse('connections:rotation')}?{urlencode({'within': within})}")
    together: list[RotationStep] = []
    if StoredTokenPolicy.now().reuse is not Rule.REFUSE:
        offered = {"together": rotation_plan.same_person(entries), "shared": rotation_plan.sharing(entries)}
        for name, sets in offered.items():
            ticked = set(_numbers(request.GET, name))
            together += [step for step in sets if ticked & set(step)]
    steps = rotation_plan.steps(chosen, together)
    return redirect(rotation_step_url(steps, at=1, since=int(timezone.now().timestamp() * 1000), within=within))


def _numbers(asked: QueryDict, name: str) -> list[int]:
    return [int(text) for text in asked.getlist(name) if text.isascii() and text.isdecimal() and len(text) < 19]


@dataclass(frozen=True, slots=True)
class BulkRotation:
    """What the address of the walk says. `since` is when it began, in milliseconds of Unix time."""

    steps: list[RotationStep]
    at: int
    since: int
    within: int

    @property
    def step(self) -> RotationStep:
        """The ids of this step; none when the round is over."""
        return self.steps[self.at - 1] if self.at <= len(self.steps) else ()

    def address(self, *, at: int, steps: list[RotationStep] | None = None) -> str:
        """The page of another step of this round."""
        return rotation_step_url(self.steps if steps is None else steps, at=at, since=self.since, within=self.within)


def _bulk_rotation(request: HttpRequest) -> BulkRotation:
    steps = rotation_plan.read(request.GET.get("steps", ""))
    at = next(iter(_numbers(request.GET, "at")), 1)
    since = next(iter(_numbers(request.GET, "since")), 0)
    return BulkRotation(
        steps, min(max(at, 1), len(steps) + 1), min(since, 4_000_000_000_000), WithinForm(request.GET).days()
    )


@hide_token
@never_cache
@require_http_methods(["GET", "POST"])
@may_rotate
def rotation_step(request: HttpRequest) -> HttpResponse:
    """GET shows a step, or the end of the round; POST tests the new token and swaps it in."""
    here = _bulk_rotation(request)
    connections = _connections(here.step)
    if not here.step:
        return _end(request, here)
    if request.method == "GET" or not connections:
        return _page(request, here, connections, _form(connections))
    form = RotateForm(request.POST, place=_place(connections))
    if not form.is_valid():
        return _page(request, here, connections, form, tested=_kept(request, connections, form))
    try:
        swapped = bulk_rotate(
            connections,
            _replacement(form),
            person=person(request),
            by=actor_of(request),
            now=timezone.now(),
            drawn_from={connection.pk: request.POST.get(f"version-{connection.pk}", "") for connection in connections},
        )
    except CannotRotate as refused:
        form.add_error(refused.field or None, refused.message)
        return _page(request, here, connections, form, tested=_kept(request, connections, form))
    return _after(request, here, swapped, form)


def _connections(step: RotationStep) -> list[Connection]:
    found = reads.enabled_by_id(step)
    return [found[number] for number in step if number in found]


def _place(connections: Iterable[Connection]) -> Place:
    """Where the step leads: to organizations as soon as one is among them, for then the token's reach is asked for."""
    places = {clients.place_of(connection.server) for connection in connections}
    return "collection" if places == {"collection"} else "organization"


def _form(connections: Sequence[Connection]) -> RotateForm:
    """The empty form of a step. Only at the service is a token made for one organization or for all."""
    of_service = [connection for connection in connections if clients.place_of(connection.server) == "organization"]
    several = len({(connection.server, connection.organization) for connection in of_service}) > 1
    reach = Connection.Reach.ALL if several else Connection.Reach.ONE
    return RotateForm(initial={"token_reach": reach}, place=_place(connections))


def _replacement(form: RotateForm) -> Replacement:
    given = form.cleaned_data
    return Replacement(
        token=given["token"],
        expires_on=given["expires_on"],
        token_reach=given.get("token_reach", ""),
        accept_limited=given["accept_limited"],
        verification_key=given["verification_key"],
    )


def _after(request: HttpRequest, here: BulkRotation, swapped: list[Swapped], form: RotateForm) -> HttpResponse:
    """The next step when all went well; otherwise what became of each, and the form for those that failed."""
    done = [outcome.connection for outcome in swapped if outcome.refusal is None]
    failed = [outcome for outcome in swapped if outcome.refusal is not None]
    if done:
        names = ", ".join(connection.name for connection in done)
        flash.success(request, f"{names} {'uses' if len(done) == 1 else 'use'} the new token now.")
        warn_of_violations(request, done[0], form.cleaned_data["token"])
    if not failed:
        return redirect(here.address(at=here.at + 1))
    rest = [outcome.connection for outcome in failed]
    steps = [*here.steps[: here.at - 1], tuple(connection.pk for connection in rest), *here.steps[here.at :]]
    if done:
        # What is done is a step of its own, so that the end of the round tells of it.
        steps.insert(here.at - 1, tuple(connection.pk for connection in done))
    narrowed = BulkRotation(steps, here.at + bool(done), here.since, here.within)
    tested, key = tests_of_refused(failed)
    return _page(request, narrowed, rest, form, tested=tested, failed=failed, verification_key=key)


def _kept(request: HttpRequest, connections: Sequence[Connection], form: RotateForm) -> list[BulkVerification]:
    """After a mistake elsewhere on the page, the result of a test stays, if it is for this token."""
    token = form.cleaned_data.get("token")
    if token is None:
        return []
    key = form.cleaned_data.get("verification_key", "")
    return kept_for_bulk(connections, token, key, person=person(request), now=timezone.now())


@hide_token
@never_cache
@require_POST
@may_rotate
def verify_step(request: HttpRequest) -> HttpResponse:
    """POST: test the new token for each connection of the step; the old ones stay in use."""
    here = _bulk_rotation(request)
    connections = _connections(here.step)
    form = VerifyReplacementForm(request.POST, place=_place(connections))
    if not connections or not form.is_valid():
        return _page(request, here, connections, form)
    token = form.cleaned_data["token"]
    tested, key = verify_for_bulk(connections, token, person=person(request), now=timezone.now())
    return _page(request, here, connections, form, tested=tested, verification_key=key)


def _page(
    request: HttpRequest,
    here: BulkRotation,
    connections: Sequence[Connection],
    form: RotateForm,
    *,
    tested: Sequence[BulkVerification] = (),
    failed: Sequence[Swapped] = (),
    verification_key: str = "",
) -> HttpResponse:
    today = timezone.localdate()
    conflicting = {outcome.connection.pk for outcome in failed if outcome.refusal and outcome.refusal.conflicts}
    context: dict[str, Any] = {
        "round": here,
        "done": here.at - 1,
        "total": len(here.steps),
        "rows": [
            {
                "connection": connection,
                "state": states(connection, today=today),
                "token_is_dead": connection.is_token_dead(today=today),
                "version": shown_version(
                    request,
                    versions.version(connection, versions.ROTATE),
                    has_conflict=connection.pk in conflicting,
                    name=f"version-{connection.pk}",
                ),
            }
            for connection in connections
        ],
        "token_pages": sorted({(connection.organization, tokens_page_of(connection)) for connection in connections}),
        "form": form,
        "panel": _panel(here, form, tested, count=len(connections), key=verification_key),
        "failed": failed,
        "walk_url": here.address(at=here.at),
        "skip_url": here.address(at=here.at + 1),
        "back_url": here.address(at=here.at - 1) if here.at > 1 else "",
        "plan_url": f"{reverse('connections:rotation')}?{urlencode({'within': here.within})}",
        **guide_context(),
    }
    return render(request, "connections/rotation_step.html", context)


def _panel(
    here: BulkRotation, form: RotateForm, tested: Sequence[BulkVerification], *, count: int, key: str
) -> TokenPanel:
    return TokenPanel(
        test_url=rotation_step_url(here.steps, at=here.at, since=here.since, within=here.within, name="verify-step"),
        leave_url=here.address(at=here.at + 1),
        leave_label="Skip",
        submit_label="Update token" if count == 1 else f"Update {count} connections",
        verification_key=key or form.data.get("verification_key", ""),
        reports=_reports(tested, form),
        comparisons=[
            _comparison(bulk_verification)
            for bulk_verification in tested
            if bulk_verification.comparison or bulk_verification.refusal
        ],
    )


def _comparison(tested: BulkVerification) -> ComparisonView:
    title = f"{tested.connection.name}, compared with the token in use"
    if tested.comparison and tested.report:
        return ComparisonView(title, comparison_rows(tested.connection, tested.comparison, tested.report))
    return ComparisonView(title, refusal=tested.refusal.message if tested.refusal else "")


def _reports(tested: Sequence[BulkVerification], form: RotateForm) -> list[ReportView]:
    """Each report once: one for each organization, and more where connections are limited to other projects."""
    by_report = {
        id(bulk_verification.report): (bulk_verification.report, bulk_verification.connection)
        for bulk_verification in tested
        if bulk_verification.report
    }
    return [
        new_token_report(
            report,
            form,
            server=connection.server,
            organization=connection.organization,
            tokens_page=tokens_page_of(connection),
            besides=connection.pk if len(tested) == 1 else None,
        )
        for report, connection in by_report.values()
    ]


def _end(request: HttpRequest, here: BulkRotation) -> HttpResponse:
    """What became of every connection of the round, from what is stored."""
    ids = [number for step in here.steps for number in step]
    found = reads.enabled_by_id(ids)
    began = datetime.fromtimestamp(here.since / 1000, tz=UTC)
    rows = [
        {"connection": found[number], "updated": found[number].token_set_at >= began, "state": _state(found[number])}
        for number in ids
        if number in found
    ]
    left = [row["connection"].pk for row in rows if not row["updated"]]
    old_tokens = replaced_tokens([row["connection"] for row in rows if row["updated"]])
    context = {
        "rows": rows,
        "updated": len(rows) - len(left),
        "old_tokens": [old_token_view(old, request) for old in old_tokens],
        "again_url": here.address(at=1, steps=[(one,) for one in left]) if left else "",
        "plan_url": f"{reverse('connections:rotation')}?{urlencode({'within': here.within})}",
    }
    return render(request, "connections/rotation_done.html", context)


def _state(connection: Connection) -> Any:
    return states(connection, today=timezone.localdate())
