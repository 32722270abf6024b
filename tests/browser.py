"""A browser without JavaScript whose every page was opened just now, unless a test says which version it holds."""

from typing import Any
from urllib.parse import urlsplit

from django.test import Client
from django.urls import Resolver404, resolve

from connections.actions import versions
from connections.models import Connection, StoredTokenPolicy

# Whose forms and buttons carry a version, by the name of the address.
OF_ONE = {"edit", "update-token", "extend-token", "disable", "enable", "default", "disconnect", "used-by"}
_FIELDS = sorted(
    {
        *versions.EDIT,
        *versions.EXTEND,
        *versions.ROTATE,
        *versions.DISABLE,
        *versions.DISCONNECT,
        *versions.DEFAULT,
        *versions.USED_BY,
    }
)


def drawn_now(connection: Connection) -> str:
    """A version that fits every form of the connection's pages, if it were drawn now."""
    return versions.version(connection, _FIELDS)


class Browser(Client):
    """Adds to a form what the page would have carried, had it been opened just before."""

    def post(self, *args: Any, **more: Any) -> Any:
        """Send a form: an address, and the fields."""
        path, *rest = args
        data = rest[0] if rest else more.pop("data", None)
        if data is None or isinstance(data, dict):
            data = _carried(path) | (data or {})
        return super().post(path, data, *rest[1:], **more)


def _carried(path: str) -> dict[str, str]:
    try:
        found = resolve(urlsplit(path).path)
    except Resolver404:
        # Some paths are answered before any view, such as the health checks.
        return {}
    if found.namespace != "connections":
        return {}
    if found.url_name == "change-token-policy":
        return {"version": versions.policy_version(StoredTokenPolicy.now())}
    if found.url_name == "rotation-step":
        return {f"version-{one.pk}": drawn_now(one) for one in Connection.objects.select_related("owner")}
    concerned = Connection.objects.filter(pk=found.kwargs.get("pk", 0)) if found.url_name in OF_ONE else ()
    return next(({"version": drawn_now(connection)} for connection in concerned), {})
