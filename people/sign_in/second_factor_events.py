"""Events about second factors, and their part in re-encryption with a new key."""

from typing import Any

from allauth.mfa import signals
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from connections.actions import reencrypt
from connections.actions.reencrypt import SecretSource
from people.events import record_person_event, record_refused_sign_in
from people.sign_in import second_factor

reencrypt.sources.append(SecretSource(second_factor.count_of_secrets, second_factor.stored_secrets))


@receiver(post_save, sender=Authenticator)
def added(instance: Any, *, created: bool, raw: bool = False, **_: Any) -> None:
    """Record a new second factor, in the same transaction."""
    if created and not raw:
        record_person_event("person.second_factor_added", instance.user, {"type": str(instance.type)})


@receiver(post_delete, sender=Authenticator)
def removed(instance: Any, **_: Any) -> None:
    """Record that a second factor was removed, by its owner or by an administrator."""
    record_person_event("person.second_factor_removed", instance.user, {"type": str(instance.type)})


@receiver(signals.authentication_failed)
def failed(request: HttpRequest, user: User, **_: Any) -> None:
    """Record an incorrect code."""
    record_refused_sign_in(user.get_username(), request, reason="code")
