"""Django's message storage, with its cookie limited to the path of this site."""

from typing import Any

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpResponseBase


class PathCookieStorage(CookieStorage):
    """Django's cookie is for the whole host: other applications there would get it, and overwrite it with their own."""

    def _update_cookie(self, encoded_data: str, response: HttpResponseBase) -> None:
        # Django's own method, which its types leave out.
        super()._update_cookie(encoded_data, response)  # type: ignore[misc]
        if self.cookie_name in response.cookies:
            response.cookies[self.cookie_name]["path"] = settings.SESSION_COOKIE_PATH


class MessageStorage(FallbackStorage):
    """What is too long for the cookie is kept in the session."""

    storage_classes: Any = (PathCookieStorage, SessionStorage)
