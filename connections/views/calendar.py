"""Calendar: a personal feed of expiry dates at a secret address, and the reminders a user stopped."""

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_not_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from connections import notification_reads
from connections.actions.calendar_feeds import fetch, make_address, revoke
from connections.actions.unsubscribe import restart_reminders
from connections.notifications import calendar_feed
from connections.views.common import person
from history.record import actor_of

may_see = permission_required("connections.view_connection", raise_exception=True)


@never_cache
@require_safe
@may_see
def calendar_page(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/calendar/."""
    return _page(request)


@never_cache
@require_POST
@may_see
@sensitive_variables("secret")
def make(request: HttpRequest) -> HttpResponse:
    """POST: create a new address, which only this response shows."""
    secret = make_address(person(request), by=actor_of(request), now=timezone.now())
    address = settings.SITE_URL + reverse("connections:calendar-feed", args=[secret])
    return _page(request, address=address)


@require_POST
@may_see
def revoke_address(request: HttpRequest) -> HttpResponse:
    """POST: revoke the address immediately."""
    revoke(person(request), by=actor_of(request), now=timezone.now())
    flash.success(request, "Address revoked. Calendars that use it no longer get updates.")
    return redirect("connections:calendar")


@require_POST
@may_see
def remind_again(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: resume reminders that this user stopped."""
    muted = get_object_or_404(notification_reads.muted_by(person(request).email), pk=pk)
    restart_reminders(muted, by=actor_of(request), now=timezone.now())
    flash.success(request, "You will get these reminders again.")
    return redirect("connections:calendar")


# The address itself is the secret, because calendar apps can't sign in.
@login_not_required
@require_safe
@sensitive_variables("secret")
def feed(request: HttpRequest, secret: str) -> HttpResponseBase:
    """GET /calendar/<secret>.ics: the file, or 304 when nothing changed since it was fetched."""
    fetched = fetch(secret, now=timezone.now())
    if fetched is None:
        raise Http404
    headers = {
        "ETag": f'"{fetched.digest}"',
        "Last-Modified": http_date(fetched.changed_at.timestamp()),
        "Cache-Control": "private, no-cache",
        "Content-Disposition": 'inline; filename="azure-devops-tokens.ics"',
    }
    answer = HttpResponse(fetched.content, content_type=calendar_feed.MEDIA_TYPE, headers=headers)
    return get_conditional_response(request, headers["ETag"], int(fetched.changed_at.timestamp()), answer) or answer


def _page(request: HttpRequest, *, address: str = "") -> HttpResponse:
    context = {"address": address, "calendar": notification_reads.personal_calendar(person(request))}
    return render(request, "connections/calendar.html", context)
