"""Headers that no package of ours sets, and answers that must not depend on the rest."""

from collections.abc import Callable
from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

from orchestrator import health

POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
_METHODS = ("GET", "HEAD", "POST")
Respond = Callable[[HttpRequest], HttpResponse]


def health_endpoints(get_response: Respond) -> Respond:
    """Answer /healthz and /readyz before anything else looks at the request.

    Whoever asks for them speaks plain HTTP, and to an address rather than the site's name. So neither the redirect to
    HTTPS nor the list of allowed hosts may come first.
    """

    def respond(request: HttpRequest) -> HttpResponse:
        answer = _ENDPOINTS.get(request.path)
        if answer is None:
            return get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        response = answer()
        response.headers["Cache-Control"] = "no-store"
        return response

    return respond


def _alive() -> HttpResponse:
    """GET /healthz: this process answers. It asks nobody."""
    return HttpResponse("alive\n", content_type="text/plain")


def _ready() -> HttpResponse:
    """GET /readyz: every part's state, 503 when one of them does not do its work."""
    parts = health.current_report()
    ready = all(part.ok for part in parts)
    return JsonResponse({"ready": ready, "parts": [asdict(part) for part in parts]}, status=200 if ready else 503)


_ENDPOINTS: dict[str, Callable[[], HttpResponse]] = {"/healthz": _alive, "/readyz": _ready}


def known_methods(get_response: Respond) -> Respond:
    """Refuse every method but those the pages use: some views of Django take any other for one of them."""

    def respond(request: HttpRequest) -> HttpResponse:
        if request.method not in _METHODS:
            return HttpResponseNotAllowed(_METHODS)
        return get_response(request)

    return respond


def permissions_policy(get_response: Respond) -> Respond:
    """Refuse the browser's devices to every page."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", POLICY)
        return response

    return respond
