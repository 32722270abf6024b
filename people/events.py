"""Events about people (sign-ins, passwords, roles and permissions), recorded from Django's signals."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from core.client_ip import client_address
from history.current_actor import acting
from history.record import ANONYMOUS, Actor, Named, actor_of, record
from people.models import Session
from people.sessions import ADDRESS, DEVICE, SEEN_AT, SIGNED_IN_AT, device_of

_WATCHED = ("is_active", "is_staff", "is_superuser", "username", "email")
_ACTIONS = {"post_add": "added", "post_remove": "removed"}


def display_name(user: User) -> str:
    """The name under which pages show a person."""
    return user.get_full_name() or user.get_username()


def subject_of(user: User) -> Named:
    """The subject of an event about a person."""
    return Named("person", user.pk, display_name(user))


def record_person_event(
    kind: str, user: User, detail: Mapping[str, object] | None = None, *, by: Actor | None = None
) -> None:
    """Append an event about a person, by the current actor unless `by` names another."""
    record(kind, subject_of(user), by=by or acting(), at=timezone.now(), detail=detail)


@receiver(user_logged_in)
def signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    """Record the sign-in, and its time, address and device in the session."""
    now = timezone.now()
    request.session[SIGNED_IN_AT] = request.session[SEEN_AT] = now.timestamp()
    # Only a request that was created by code, as in tests, has no address.
    if request.META.get("REMOTE_ADDR") is None:
        return
    request.session[ADDRESS] = client_address(request)
    request.session[DEVICE] = device_of(request.headers.get("User-Agent", ""))
    record_person_event("person.signed_in", user, {"device": request.session[DEVICE]}, by=actor_of(request))


@receiver(user_logged_out)
def signed_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    """Record the sign-out."""
    if user is not None and request.META.get("REMOTE_ADDR") is not None:
        by = Actor(display_name(user), user.pk, client_address(request))
        record_person_event("person.signed_out", user, by=by)


@receiver(user_login_failed)
def refused(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Record a failed sign-in."""
    record_refused_sign_in(str(credentials.get("username") or ""), request, reason="password")


def record_refused_sign_in(name: str, request: HttpRequest | None, *, reason: str) -> None:
    """Append a refused sign-in. An unknown name is not stored: it may be a password typed into the wrong field."""
    user = User.objects.filter(username=name).first() if name else None
    subject = subject_of(user) if user else Named("person", 0, "unknown username")
    if user is not None and not user.is_active:
        reason = "inactive"
    by = Actor(ANONYMOUS, address=client_address(request) if request is not None else None)
    record("person.sign_in_refused", subject, by=by, at=timezone.now(), detail={"reason": reason})


class PasswordEvents:
    """A password validator that accepts everything: Django calls it after every change of a password."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Accept."""

    def get_help_text(self) -> str:
        """The text that forms show beside the field."""
        return "The history records that the password was changed, but not the password itself."

    def password_changed(self, _password: str, user: User | None = None) -> None:
        """Record the change, whichever page or command made it."""
        if user is not None and user.pk is not None:
            record_person_event("person.password_changed", user)


@receiver(pre_save, sender=User)
def load_stored_values(instance: User, update_fields: frozenset[str] | None = None, **_: Any) -> None:
    """Load the stored values before a change, for `changed` to compare."""
    may_change = instance.pk and (update_fields is None or not update_fields.isdisjoint(_WATCHED))
    before = User.objects.filter(pk=instance.pk).values(*_WATCHED).first() if may_change else None
    instance._before_change = before  # type: ignore[attr-defined]  # noqa: SLF001  (ours, until `changed` reads it)


@receiver(post_save, sender=User)
def changed(instance: User, *, created: bool, raw: bool = False, **_: Any) -> None:
    """Record a new person, or a change of the watched fields."""
    if raw:
        return
    if created:
        record_person_event("person.added", instance, {"superuser": instance.is_superuser})
        return
    before = getattr(instance, "_before_change", None) or {}
    changes = {
        field: {"before": before[field], "after": getattr(instance, field)}
        for field in _WATCHED
        if field in before and before[field] != getattr(instance, field)
    }
    if changes:
        record_person_event("person.changed", instance, changes)
    if "is_active" in changes and not instance.is_active:
        # Otherwise the sessions would work again once the person is made active.
        Session.objects.filter(user_id=instance.pk).delete()


@receiver(post_delete, sender=User)
def removed(instance: User, **_: Any) -> None:
    """Record that a person was removed."""
    record_person_event("person.removed", instance)


@receiver(m2m_changed, sender=User.groups.through)
def roles_changed(instance: Model, action: str, reverse: bool, pk_set: set[int] | None, **_: Any) -> None:
    """Record a change of a person's groups, made on the person or on the group."""
    if reverse:
        people, groups = User.objects.filter(pk__in=pk_set or ()), [instance]
    else:
        people, groups = [instance], list(Group.objects.filter(pk__in=pk_set or ()))  # type: ignore[assignment]
    if action in _ACTIONS:
        for person in people:
            _record_permission_change(person, _ACTIONS[action], "roles", [str(group) for group in groups])


@receiver(m2m_changed, sender=User.user_permissions.through)
def permissions_changed(instance: Model, action: str, pk_set: set[int] | None, **_: Any) -> None:
    """Record a change of a person's own permissions."""
    if action in _ACTIONS and isinstance(instance, User):
        _record_permission_change(instance, _ACTIONS[action], "permissions", _codenames(pk_set or ()))


@receiver(m2m_changed, sender=Group.permissions.through)
def group_changed(instance: Model, action: str, pk_set: set[int] | None, **_: Any) -> None:
    """Record a change of a group's permissions."""
    if action in _ACTIONS and isinstance(instance, Group):
        detail = {_ACTIONS[action]: _codenames(pk_set or ())}
        subject = Named("group", instance.pk, instance.name)
        record("group.permissions_changed", subject, by=acting(), at=timezone.now(), detail=detail)


def _record_permission_change(person: Any, verb: str, what: str, names: list[str]) -> None:
    if names:
        record_person_event("person.permissions_changed", person, {"what": what, verb: names})


def _codenames(ids: Iterable[int]) -> list[str]:
    rows = Permission.objects.filter(pk__in=ids).select_related("content_type")
    return sorted(f"{row.content_type.app_label}.{row.codename}" for row in rows)
