"""The second factor: codes of an authenticator app (RFC 6238) and recovery codes, encrypted like tokens."""

import base64
from collections.abc import Iterator
from functools import partial
from typing import Any

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django.core.exceptions import ValidationError
from django.utils import timezone

from connections.actions.reencrypt import EncryptedSecret
from core import encryption
from core.secrets import Secret
from people import login_limits
from people.forms import consume_attempt
from throttling import rate_limits
from throttling.rate_limits import TooMany

_OWNER = "second factor"
# The keys of an authenticator's data that hold secrets, depending on its type.
_SECRETS = ("secret", "seed")
_INCORRECT = "This code is incorrect or was used before."
_UNREADABLE = "Your second factor can't be decrypted with any current key. Ask an administrator to remove it."


class SecondFactorAdapter(DefaultMFAAdapter):
    """Encrypts what allauth stores with the keys of stored tokens."""

    error_messages = DefaultMFAAdapter.error_messages | {"incorrect_code": _INCORRECT}

    def encrypt(self, text: str) -> str:
        """The encrypted text, in base64."""
        return base64.b64encode(encryption.encrypt(Secret(text), owner=_OWNER)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The text. Raises `UnreadableToken` if no key can decrypt it."""
        return encryption.decrypt(base64.b64decode(encrypted_text), owner=_OWNER).reveal()


class _CountedCode:
    """Limits attempts, and accepts each code once, across all processes."""

    user: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["code"]  # type: ignore[attr-defined]
        field.widget.attrs.pop("placeholder", None)
        field.widget.attrs["inputmode"] = "numeric"

    def clean_code(self) -> str:
        """Count the attempt, compare the code, and mark it as used."""
        attempt = login_limits.code_cost(self.user.pk)
        consume_attempt([attempt], self.user, context.request)
        try:
            code: str = super().clean_code()  # type: ignore[misc]
        except encryption.UnreadableToken:
            raise ValidationError(_UNREADABLE) from None
        _mark_as_used(self.user.pk, code)
        rate_limits.forget([attempt])
        return code


def _mark_as_used(user_id: int, code: str) -> None:
    """Raises `ValidationError` if the code was used before."""
    try:
        rate_limits.consume([login_limits.same_code_cost(user_id, code)], now=timezone.now())
    except TooMany:
        raise ValidationError(_INCORRECT) from None


class CodeForm(_CountedCode, AuthenticateForm):
    """The code at the sign-in."""


class CodeAgainForm(_CountedCode, ReauthenticateForm):
    """The code before a change of the second factor."""


class ActivateForm(ActivateTOTPForm):
    """The first code of an authenticator app, which adds it. It does not sign in afterwards."""

    def clean_code(self) -> str:
        """Compare the code, and mark it as used."""
        code: str = super().clean_code()
        _mark_as_used(self.user.pk, code)
        return code


def stored_secrets() -> Iterator[EncryptedSecret]:
    """Every secret, to encrypt it with the newest key."""
    for authenticator in Authenticator.objects.select_related("user").order_by("pk").iterator():
        for key in _SECRETS:
            if encrypted := authenticator.data.get(key):
                name = f"{authenticator.user.get_username()}'s second factor"
                yield EncryptedSecret(name, base64.b64decode(encrypted), partial(_store_again, authenticator, key))


def count_of_secrets() -> int:
    """How many secrets there are."""
    return sum(1 for _ in stored_secrets())


def _store_again(authenticator: Any, key: str) -> int:
    adapter = SecondFactorAdapter()
    secret = adapter.decrypt(authenticator.data[key])
    # Updates nothing if the data has changed since it was read.
    unchanged = Authenticator.objects.filter(pk=authenticator.pk, data=authenticator.data)
    return int(unchanged.update(data=authenticator.data | {key: adapter.encrypt(secret)}))
