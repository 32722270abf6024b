"""Pages for administrators about people: their names, roles, sessions and connections."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections.actions.refusals import CannotChange
from core.query_strings import with_values
from history.event_types import event_row
from history.queries import Filters as EventFilters
from history.queries import events
from history.record import actor_of
from people import queries, roles
from people.actions import end_sessions, manage_people
from people.actions.hand_over import hand_over
from people.actions.manage_people import Details, NewPerson
from people.events import display_name
from people.forms import AddPersonForm, DetailsForm, FilterForm, HandOverForm, RoleForm
from people.queries import OwnedCounts
from people.views.refusals import refusals_shown

may_manage = permission_required("people.manage_people", raise_exception=True)
_RECENT = 10
_NAMED = 10
_LONGEST_SEARCH = 200
View = Callable[..., HttpResponse]


def _change(view: View) -> View:
    """A view that changes a person: POST only, and only for administrators."""
    return never_cache(require_POST(may_manage(view)))


def _me(request: HttpRequest) -> User:
    return cast("User", request.user)


def _find(pk: int) -> User:
    user = queries.person(pk)
    if user is None:
        raise manage_people.person_gone()
    return user


@never_cache
@require_safe
@may_manage
def listing(request: HttpRequest) -> HttpResponse:
    """GET /people/: search, filters and page are in the URL."""
    form = FilterForm(request.GET)
    form.is_valid()
    filters = queries.Filters(**{name: form.cleaned_data.get(name, "") for name in ("q", "role", "state")})
    page = queries.page_of_people(filters, request.GET.get("page"))
    context = {
        "filters": form,
        "filtered": any((filters.q, filters.role, filters.state)),
        "page": page,
        "rows": [{"user": user, "name": display_name(user), "role": roles.role_of(user)} for user in page.object_list],
        "leaving": queries.count_inactive_owners(),
        "query": with_values(request.GET),
    }
    return render(request, "people/list.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@may_manage
def add(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST adds the person and shows the link to choose a password."""
    form = AddPersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_shown(request, form):
            user = manage_people.add(NewPerson(**form.cleaned_data), by=_me(request))
            flash.success(request, f"{display_name(user)} added.")
            return _page(request, user, link=manage_people.password_link(user, by=_me(request)))
    return render(request, "people/add.html", {"form": form, "roles": roles.ROLES})


@never_cache
@require_safe
@may_manage
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /people/<id>/."""
    return _page(request, _find(pk))


@_change
def role(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: change the role."""
    user = _find(pk)
    form = RoleForm(request.POST)
    if form.is_valid():
        chosen = form.cleaned_data["role"]
        with refusals_shown(request, form):
            changed = manage_people.change_role(user, chosen, by=_me(request))
            result = f"has the role {chosen}" if chosen else "has no role"
            flash.success(request, f"{display_name(user)} now {result}." if changed else "Nothing changed.")
            return redirect("people:person", pk=user.pk)
    return _page(request, _find(pk), role_form=form)


@_change
def details(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: change name and mail address."""
    user = _find(pk)
    form = DetailsForm(request.POST)
    if form.is_valid():
        with refusals_shown(request, form):
            manage_people.change_details(user, Details(**form.cleaned_data), by=_me(request))
            flash.success(request, f"Name and email address of {display_name(user)} saved.")
            return redirect("people:person", pk=user.pk)
    return _page(request, user, details_form=form)


@_change
def standing(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: make the person active or inactive."""
    user = _find(pk)
    active = request.POST.get("active") == "1"
    with refusals_shown(request):
        manage_people.set_active(user, active=active, by=_me(request))
        result = "active" if active else "inactive and signed out everywhere"
        reminder = " Hand over what they own." if not active and queries.count_owned(user).total else ""
        flash.success(request, f"{display_name(user)} is now {result}.{reminder}")
    return redirect("people:person", pk=user.pk)


@_change
def password_link(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: show a link to choose a password, once."""
    user = _find(pk)
    with refusals_shown(request):
        return _page(request, user, link=manage_people.password_link(user, by=_me(request)))
    return redirect("people:person", pk=user.pk)


@_change
def sign_out(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: end all sessions of the person."""
    user = _find(pk)
    ended = end_sessions.end_all(user, but=request.session.session_key)
    flash.success(request, f"Ended {ended} session{'' if ended == 1 else 's'} of {display_name(user)}.")
    return redirect("people:person", pk=user.pk)


@_change
def hand_over_owned(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: hand the chosen connections and entries of the register over to another owner."""
    user = _find(pk)
    form = HandOverForm(request.POST, leaving=user)
    if not form.is_valid():
        return _page(request, user, hand_over_form=form)
    to = form.cleaned_data["to"]
    try:
        outcome = hand_over(*form.chosen(), to=to, by=actor_of(request), now=timezone.now())
    except CannotChange as refused:
        form.add_error(refused.field, refused.message)
        return _page(request, user, hand_over_form=form)
    if outcome.changed_meanwhile:
        names = ", ".join(outcome.changed_meanwhile[:_NAMED])
        flash.warning(request, f"Not changed, because they were deleted or have another new owner: {names}.")
    moved = OwnedCounts(outcome.connections, outcome.entries)
    verb = "belongs" if moved.total == 1 else "belong"
    flash.success(request, f"{moved.in_words} now {verb} to {display_name(to)}.")
    return redirect("people:person", pk=user.pk)


def _page(
    request: HttpRequest,
    user: User,
    *,
    link: str = "",
    role_form: RoleForm | None = None,
    details_form: DetailsForm | None = None,
    hand_over_form: HandOverForm | None = None,
) -> HttpResponse:
    current = roles.role_of(user)
    recent = events(EventFilters(subject_kind="person", subject_ids=(user.pk,)))[:_RECENT]
    context: dict[str, Any] = {
        "person": user,
        "name": display_name(user),
        "role": roles.BY_NAME.get(current),
        "roles": roles.ROLES,
        "is_me": user.pk == request.user.pk,
        "can_change": manage_people.can_change(user, _me(request)),
        "link": link,
        "role_form": role_form or RoleForm(initial={"role": current}),
        "details_form": details_form or DetailsForm.of(user),
        **_owned_context(request, user, hand_over_form or HandOverForm(leaving=user)),
        "sessions": queries.sessions_of(user, now=timezone.now()),
        "events": [event_row(event) for event in recent] if request.user.has_perm("history.view_all_events") else [],
    }
    return render(request, "people/person.html", context)


def _owned_context(request: HttpRequest, user: User, form: HandOverForm) -> dict[str, Any]:
    """What the person owns, a page at a time, and the form to hand it over."""
    given = request.POST if form.is_bound else request.GET
    text = given.get("q", "")[:_LONGEST_SEARCH]
    counts = queries.count_owned(user)
    found = queries.count_owned(user, text) if text else counts
    page = queries.page_of_owned(user, text, given.get("page"), total=found.total)
    return {
        "hand_over_form": form,
        "owned": counts.total,
        "owned_words": counts.in_words,
        "owned_rows": [(row, form.is_ticked(row.box, row.id)) for row in page],
        "page": page,
        "page_url": reverse("people:person", args=[user.pk]),
        "q": text,
        "query": urlencode({"q": text}) if text else "",
    }
