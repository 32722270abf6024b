"""Notification channels: set up by administrators, chosen for connections, entries of the register, or by people."""

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections import notification_reads
from connections.actions import manage_channels
from connections.actions.manage_channels import CannotChangeChannel, SavedChannel
from connections.channel_forms import ChannelForm
from connections.models import NotificationChannel
from connections.notifications.channel_hosts import SETTING
from connections.notifications.channel_outbox import write_test
from connections.views.common import person, row_ids
from connections.views.connection_detail import find
from connections.views.outbox import enqueue_delivery
from connections.views.register import find as find_entry
from core.encryption import UnreadableToken
from history.record import actor_of

may_manage = permission_required("connections.manage_channels", raise_exception=True)
_UNREADABLE = "No key decrypts the stored target. Enter both the webhook URL and the signing secret."


@never_cache
@require_safe
@may_manage
def list_channels(request: HttpRequest) -> HttpResponse:
    """GET /outbox/channels/."""
    context = {
        "channels": notification_reads.channels(),
        "kinds": NotificationChannel.Kind.choices,
        "hosts": settings.NOTIFICATION_HOSTS,
        "setting": SETTING,
    }
    return render(request, "connections/channels.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("url", "signing_secret")
@may_manage
def add(request: HttpRequest, kind: str) -> HttpResponse:
    """GET shows the form of a kind; POST adds a channel, and shows a generated signing secret once."""
    if kind not in NotificationChannel.Kind.values:
        raise Http404
    form = ChannelForm(request.POST or None, kind=kind, is_new=True)
    if request.method == "POST" and form.is_valid():
        try:
            saved = manage_channels.add_channel(kind, form.entered(), by=actor_of(request), now=timezone.now())
        except CannotChangeChannel as refused:
            form.add_error(refused.field or None, refused.message)
        else:
            return _saved(request, saved)
    context = {"form": form, "kind_label": NotificationChannel.Kind(kind).label}
    return render(request, "connections/add_channel.html", context)


@sensitive_variables("saved")
def _saved(request: HttpRequest, saved: SavedChannel) -> HttpResponse:
    if saved.generated is None:
        flash.success(request, "Channel added. Send a test message to see it work.")
        return redirect("connections:channel", saved.channel.pk)
    context = {"channel": saved.channel, "secret": saved.generated.reveal()}
    return render(request, "connections/channel_secret.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("url", "signing_secret")
@may_manage
def channel_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /outbox/channels/<id>/ shows a channel; POST renames it or replaces its target."""
    channel = get_object_or_404(notification_reads.channels(), pk=pk)
    initial = {"name": channel.name}
    form = ChannelForm(request.POST or None, initial=initial, kind=channel.kind, is_new=False)
    if request.method == "POST" and form.is_valid():
        try:
            manage_channels.change_channel(pk, form.entered(), by=actor_of(request), now=timezone.now())
        except CannotChangeChannel as refused:
            form.add_error(refused.field or None, refused.message)
        except UnreadableToken:
            form.add_error("url", _UNREADABLE)
        except NotificationChannel.DoesNotExist:
            raise Http404 from None
        else:
            flash.success(request, "Saved.")
            return redirect("connections:channel", pk)
    context = {"channel": channel, "form": form, "last": notification_reads.last_message(channel)}
    context["is_paused"] = channel.paused_until is not None and channel.paused_until > timezone.now()
    return render(request, "connections/channel.html", context)


@require_POST
@may_manage
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: send a test message to a channel, through the outbox."""
    channel = get_object_or_404(NotificationChannel, pk=pk)
    write_test(channel, now=timezone.now())
    if enqueue_delivery(request):
        flash.success(request, "A test message is on its way. This page shows when it has been sent.")
    return redirect("connections:channel", pk)


@never_cache
@require_http_methods(["GET", "POST"])
@may_manage
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks, POST removes a channel."""
    channel = get_object_or_404(notification_reads.channels(), pk=pk)
    if request.method == "GET":
        return render(request, "connections/remove_channel.html", {"channel": channel})
    try:
        manage_channels.remove_channel(pk, by=actor_of(request), now=timezone.now())
    except NotificationChannel.DoesNotExist:
        raise Http404 from None
    flash.success(request, f"Removed “{channel.name}”.")
    return redirect("connections:channels")


@require_POST
@permission_required("connections.change_connection", raise_exception=True)
def choose_for_connection_page(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: choose the channels that get the notifications about a connection."""
    connection = find(pk)
    chosen = row_ids(request.POST, "channels")
    changed = manage_channels.choose_for_connection(pk, chosen, by=actor_of(request), now=timezone.now())
    flash.success(request, "Channels saved." if changed else "Nothing was changed.")
    return redirect(connection)


@require_POST
@permission_required("connections.change_registerentry", raise_exception=True)
def choose_for_entry_page(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: choose the channels that get the reminders about an entry of the register."""
    entry = find_entry(pk)
    chosen = row_ids(request.POST, "channels")
    changed = manage_channels.choose_for_entry(pk, chosen, by=actor_of(request), now=timezone.now())
    flash.success(request, "Channels saved." if changed else "Nothing was changed.")
    return redirect(entry)


@require_POST
@permission_required("connections.view_connection", raise_exception=True)
def choose_own(request: HttpRequest) -> HttpResponse:
    """POST: choose the channels that get one's own notifications, beside mail."""
    chosen = row_ids(request.POST, "channels")
    changed = manage_channels.choose_for_person(person(request), chosen, by=actor_of(request), now=timezone.now())
    flash.success(request, "Channels saved." if changed else "Nothing was changed.")
    return redirect("people:account")
