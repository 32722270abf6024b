"""The path below which everything lies, taken off the path of each request, however a proxy passes it on."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def without_prefix(application: "WSGIApplication", prefix: str) -> "WSGIApplication":
    """The application below `prefix`, such as `/repos`.

    A request from a proxy that takes the prefix off, or from a monitor that asks this process directly, has none.
    """

    def respond(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if path == prefix or path.startswith(f"{prefix}/"):
            path = path[len(prefix) :]
        return application({**environ, "SCRIPT_NAME": prefix, "PATH_INFO": path or "/"}, start_response)

    return respond if prefix else application
