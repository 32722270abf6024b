"""The second factor: codes of an authenticator app (RFC 6238) and recovery codes, sealed like tokens."""

import base64
from typing import Any

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.utils import timezone

from connections.actions.reencrypt import ReencryptionResult
from core import encryption
from core.secrets import Secret
from people import login_limits
from people.sign_in.account import consume
from throttling import rate_limits
from throttling.rate_limits import TooMany

_OWNER = "second factor"
# What of an authenticator's data is a secret, by its type.
_SECRETS = ("secret", "seed")
_WRONG = "This code is not right, or was used before."
_UNREADABLE = "Your second factor cannot be read with any key of the ring. Ask an administrator to remove it."


class SecondFactorAdapter(DefaultMFAAdapter):
    """Seals what allauth keeps with the key ring of stored tokens."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code is not right, or was used before."
    }

    def encrypt(self, text: str) -> str:
        """Seal."""
        return base64.b64encode(encryption.encrypt(Secret(text), owner=_OWNER)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Open. Raises `UnreadableToken` when no key of the ring fits."""
        return encryption.decrypt(base64.b64decode(encrypted_text), owner=_OWNER).reveal()


class _CountedCode:
    """A code is tried only so often, and is good once, over all processes."""

    user: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["code"]  # type: ignore[attr-defined]
        field.widget.attrs.pop("placeholder", None)
        field.widget.attrs["inputmode"] = "numeric"

    def clean_code(self) -> str:
        """Take an attempt, compare, and remember the code."""
        attempt = login_limits.code_cost(self.user.pk)
        consume([attempt], self.user, context.request)
        try:
            code: str = super().clean_code()  # type: ignore[misc]
        except encryption.UnreadableToken:
            raise ValidationError(_UNREADABLE) from None
        try:
            rate_limits.consume([login_limits.same_code_cost(self.user.pk, code)], now=timezone.now())
        except TooMany:
            raise ValidationError(_WRONG) from None
        rate_limits.forget([attempt])
        return code


class CodeForm(_CountedCode, AuthenticateForm):
    """At the sign-in."""


class CodeAgainForm(_CountedCode, ReauthenticateForm):
    """Before the second factor is changed."""


def reencrypt(outcome: ReencryptionResult) -> None:
    """Write every secret anew with the newest key."""
    for one in Authenticator.objects.select_related("user").iterator():
        for name in _SECRETS:
            sealed = one.data.get(name)
            if sealed:
                _reencrypt(one, name, sealed, outcome)


def _reencrypt(one: Any, name: str, sealed: str, outcome: ReencryptionResult) -> None:
    if encryption.is_encrypted_with_newest_key(base64.b64decode(sealed)):
        outcome.current += 1
        return
    adapter = SecondFactorAdapter()
    try:
        secret = adapter.decrypt(sealed)
    except encryption.UnreadableToken:
        outcome.unreadable.append(f"{one.user.get_username()}'s second factor")
        return
    # Somebody may have changed it since it was read: then the row is not touched.
    changed = Authenticator.objects.filter(pk=one.pk, data=one.data)
    outcome.resealed += changed.update(data=one.data | {name: adapter.encrypt(secret)})
