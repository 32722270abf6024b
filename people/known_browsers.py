"""Browsers in which a person has signed in before. Their attempts are counted apart from everybody else's.

So a stranger's wrong attempts never refuse somebody's right password in their own browser, behind whichever proxy.
https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, get_random_string

KEPT = timedelta(days=180)
# Another form of what is signed gets another salt.
_SALT = "people.known_browsers"


def cookie_name() -> str:
    """Where the session's cookie is bound to TLS, or to this host alone, this one is too."""
    prefixes = (prefix for prefix in ("__Host-", "__Secure-") if settings.SESSION_COOKIE_NAME.startswith(prefix))
    return f"{next(prefixes, '')}known_browser"


def remember(answer: HttpResponse, user: User) -> None:
    """Let the browser prove from now on that this person has signed in there, for as long as the password stays."""
    value = signing.dumps([user.pk, get_random_string(22), _password_mark(user)], salt=_SALT)
    answer.set_cookie(
        cookie_name(),
        value,
        max_age=KEPT,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def known_browser(request: HttpRequest | None, name: str) -> str:
    """The random id of the browser that sent this, where the person of this name has signed in before; else ""."""
    value = request.COOKIES.get(cookie_name(), "") if request is not None else ""
    if not value:
        return ""
    try:
        user_id, browser, mark = signing.loads(value, salt=_SALT, max_age=KEPT)
    except signing.BadSignature:
        return ""
    user = User.objects.filter(pk=user_id).first()
    if user is None or user.get_username().casefold() != name.strip().casefold():
        return ""
    return str(browser) if constant_time_compare(mark, _password_mark(user)) else ""


def _password_mark(user: User) -> str:
    """Changes with the password and tells nothing of it: a keyed digest of its hash, shortened."""
    return str(user.get_session_auth_hash())[:32]
