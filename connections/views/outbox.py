"""The outbox: delivery of each mail and how mail is configured; also the page to stop reminders."""

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_not_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections import notification_reads
from connections.actions.unsubscribe import restart_reminders_to, stop_reminders
from connections.models import Mail
from connections.notifications import emails
from connections.notifications.outbox import send_test, try_again
from connections.views.common import enqueue_or_warn, person
from core.tasks import BrokerUnavailable
from history.record import Actor

may_see = permission_required("connections.view_mail", raise_exception=True)
may_send = permission_required("connections.resend_mail", raise_exception=True)


@never_cache
@require_safe
@may_see
def outbox(request: HttpRequest) -> HttpResponse:
    """GET /outbox/: newest first; `state` filters."""
    state = request.GET.get("state", "")
    page = notification_reads.page_of_mails(state, request.GET.get("page"))
    written_to = emails.written_to()
    context = {
        "page": page,
        "state": state,
        "states": notification_reads.mail_states(without_server=bool(written_to)),
        "query": urlencode({"state": state}) if state else "",
        "waiting": notification_reads.count_of_waiting_mails(now=timezone.now()),
        "written_to": written_to,
        "host": settings.EMAIL_HOST,
        "sender": settings.DEFAULT_FROM_EMAIL,
        "site": settings.SITE_URL + settings.SCRIPT_NAME,
        "can_send": request.user.has_perm("connections.resend_mail"),
        "can_manage_channels": request.user.has_perm("connections.manage_channels"),
    }
    return render(request, "connections/outbox.html", context)


@never_cache
@require_safe
@may_see
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /outbox/<id>/: one mail as text."""
    mail = get_object_or_404(Mail, pk=pk)
    return render(request, "connections/mail.html", {"mail": mail, "about": notification_reads.subjects_of(mail)})


@require_POST
@may_send
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: retry a mail now."""
    from connections.tasks import enqueue_sending

    mail = get_object_or_404(Mail, pk=pk)
    what = "message" if mail.channel_kind else "mail"
    try_again(mail, now=timezone.now())
    try:
        enqueue_sending(mail)
    except BrokerUnavailable:
        flash.warning(request, f"The message broker is unavailable. The {what} is sent once it is back.")
    else:
        flash.success(request, f"Retrying the {what} now.")
    return redirect("connections:outbox")


@require_POST
@may_send
def send_test_mail(request: HttpRequest) -> HttpResponse:
    """POST: send a test mail to the current user."""
    address = person(request).email
    if not address:
        flash.error(request, "Your account has no email address. Add one under your name at the top right.")
        return redirect("connections:outbox")
    send_test(address, now=timezone.now())
    if _enqueue_sending(request):
        if written_to := emails.written_to():
            warning = f"No mail server is configured. The test mail to {address} goes to {written_to} instead."
            flash.warning(request, warning)
        else:
            flash.success(request, f"A test mail to {address} is on its way. This page shows when it has been sent.")
    return redirect("connections:outbox")


def enqueue_delivery(request: HttpRequest) -> bool:
    """Deliver messages to channels now, to save the wait. Returns whether the broker took the task."""
    from connections.tasks import deliver_due

    return enqueue_or_warn(request, deliver_due, warning="The message is delivered once it is back.")


def _enqueue_sending(request: HttpRequest) -> bool:
    from connections.tasks import send_due

    return enqueue_or_warn(request, send_due, warning="The mail is sent once it is back.")


# Whoever holds the signed address may stop these reminders, signed in or not, as mail programs do it by themselves.
@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def unsubscribe(request: HttpRequest, key: str) -> HttpResponse:
    """GET asks, POST stops the reminders about one connection, or about all, to one address; or begins them again."""
    found = notification_reads.reminder_address(key)
    if found is None:
        raise Http404
    if request.method == "POST" and "again" in request.POST:
        restart_reminders_to(found.address, found.connection, by=Actor(name=found.address), now=timezone.now())
    elif request.method == "POST":
        stop_reminders(found.connection, address=found.address, now=timezone.now())
    context = {"connection": found.connection, "address": found.address, "muted": found.is_muted()}
    return render(request, "connections/unsubscribe.html", context)
