"""Django's message storage, with its cookie limited to the path of this site."""

from typing import Any

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpResponseBase


class PathCookieStorage(CookieStorage):
    """Limits the cookie to our path. Django sets it for the whole host, where other applications would overwrite it."""

    def _update_cookie(self, encoded_data: str, response: HttpResponseBase) -> None:
        # django-stubs does not know this method.
        super()._update_cookie(encoded_data, response)  # type: ignore[misc]
        if self.cookie_name in response.cookies:
            response.cookies[self.cookie_name]["path"] = settings.SESSION_COOKIE_PATH


class MessageStorage(FallbackStorage):
    """Stores messages in the cookie, or in the session if they are too long."""

    storage_classes: Any = (PathCookieStorage, SessionStorage)
