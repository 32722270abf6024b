"""Error reports without secrets, also on the DEBUG page, where Django's own filter is inactive."""

from collections.abc import ItemsView
from types import TracebackType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

from core.redaction import clean, redact

SECRET_FIELDS = (
    *("token", "password", "old_password", "new_password1", "new_password2", "url", "signing_secret"),
    # Of applications of Microsoft Entra.
    *("client_secret", "certificate_password"),
)


class ExceptionReporterFilter(SafeExceptionReporterFilter):
    """Cleans error reports, whatever DEBUG says."""

    def is_active(self, request: HttpRequest | None) -> bool:
        """Always."""
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> Any:
        """What was posted, without the secrets."""
        if request is None:
            return {}
        cleaned = request.POST.copy()
        for name in cleaned:
            if name in SECRET_FIELDS:
                cleaned[name] = self.cleansed_substitute
        return cleaned

    def cleanse_setting(self, key: Any, value: Any) -> Any:
        """A setting, without the password in an address."""
        cleansed = super().cleanse_setting(key, value)
        return redact(cleansed) if isinstance(cleansed, str) else cleansed

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: Any) -> ItemsView[str, Any]:
        """Local variables, without those that are named as secret fields and without what looks like a secret."""
        variables = super().get_traceback_frame_variables(request, tb_frame)
        hidden = self.cleansed_substitute
        return {name: hidden if name in SECRET_FIELDS else _cleaned(value) for name, value in variables}.items()


def _cleaned(value: object) -> object:
    if isinstance(value, TracebackType):
        return value
    try:
        text = repr(value)
    except Exception:
        return f"<{type(value).__name__} that cannot be shown>"
    cleaned = clean(text)
    return value if cleaned == text else cleaned
