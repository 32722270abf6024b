"""The outbox: what was sent, what waits and why, and how mail is set up; and how a person stops reminders."""

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_not_required, permission_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections import queries
from connections.actions.mute import mute
from connections.actions.notify import UNSUBSCRIBE_SALT
from connections.actions.outbox import try_again
from connections.models import Connection, Mail

may_see = permission_required("connections.view_mail", raise_exception=True)


@never_cache
@require_safe
@may_see
def outbox(request: HttpRequest) -> HttpResponse:
    """GET /outbox/: newest first; `state` filters."""
    state = request.GET.get("state", "")
    page = queries.page_of_mails(state, request.GET.get("page"))
    context = {
        "page": page,
        "state": state,
        "states": queries.MAIL_STATES,
        "query": urlencode({"state": state}) if state else "",
        "folder": getattr(settings, "EMAIL_FILE_PATH", None) if "filebased" in settings.EMAIL_BACKEND else None,
        "host": settings.EMAIL_HOST,
        "sender": settings.DEFAULT_FROM_EMAIL,
    }
    return render(request, "connections/outbox.html", context)


@never_cache
@require_safe
@may_see
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /outbox/<id>/: one mail as text."""
    return render(request, "connections/mail.html", {"mail": get_object_or_404(Mail, pk=pk)})


@require_POST
@may_see
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: try a waiting mail now."""
    try_again(get_object_or_404(Mail, pk=pk), now=timezone.now())
    flash.success(request, "The mail is tried again within a minute.")
    return redirect("connections:outbox")


# Whoever holds the signed address may stop these reminders, signed in or not, as mail programs do it by themselves.
@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def unsubscribe(request: HttpRequest, key: str) -> HttpResponse:
    """GET asks, POST stops the reminders about one connection to one address."""
    try:
        pk, address = signing.loads(key, salt=UNSUBSCRIBE_SALT)
    except signing.BadSignature:
        raise Http404 from None
    connection = get_object_or_404(Connection, pk=pk)
    done = request.method == "POST"
    if done:
        mute(connection, address=address, now=timezone.now())
    context = {"connection": connection, "address": address, "done": done}
    return render(request, "connections/unsubscribe.html", context)
