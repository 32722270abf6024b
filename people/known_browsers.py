"""Device cookies: browsers in which a person has signed in before have their own limit of sign-in attempts.

Someone else's wrong passwords then never lock a person out of their own browser, even behind a shared proxy.
https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, get_random_string

KEPT = timedelta(days=180)
# Change the salt whenever the form of the signed value changes.
_SALT = "people.known_browsers"


def cookie_name() -> str:
    """The cookie's name, with the same prefix as the session cookie: bound to TLS, or to this host only."""
    prefixes = (prefix for prefix in ("__Host-", "__Secure-") if settings.SESSION_COOKIE_NAME.startswith(prefix))
    return f"{next(prefixes, '')}known_browser"


def set_known_browser(response: HttpResponse, user: User) -> None:
    """Set the cookie that marks this browser as known to the person. It is valid until the password changes."""
    value = signing.dumps([user.pk, get_random_string(22), _password_mark(user)], salt=_SALT)
    response.set_cookie(
        cookie_name(),
        value,
        max_age=KEPT,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def known_browser(request: HttpRequest | None, name: str) -> str:
    """The browser's random id if the person with this username has signed in with it before, or ""."""
    value = request.COOKIES.get(cookie_name(), "") if request is not None else ""
    if not value:
        return ""
    try:
        user_id, browser_id, mark = signing.loads(value, salt=_SALT, max_age=KEPT)
    except signing.BadSignature:
        return ""
    user = User.objects.filter(pk=user_id).first()
    if user is None or user.get_username().casefold() != name.strip().casefold():
        return ""
    return str(browser_id) if constant_time_compare(mark, _password_mark(user)) else ""


def _password_mark(user: User) -> str:
    """Part of a keyed digest of the password's hash: it changes with the password and reveals nothing about it."""
    return str(user.get_session_auth_hash())[:32]
