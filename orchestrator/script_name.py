"""Strip the path prefix of the site from each request, whether or not the proxy has already done so."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def without_prefix(application: "WSGIApplication", prefix: str) -> "WSGIApplication":
    """The application below `prefix`, such as `/repos`.

    Requests have no prefix if the proxy strips it, or if a monitor calls this process directly.
    """

    def respond(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if path == prefix or path.startswith(f"{prefix}/"):
            path = path[len(prefix) :]
        return application({**environ, "SCRIPT_NAME": prefix, "PATH_INFO": path or "/"}, start_response)

    return respond if prefix else application
