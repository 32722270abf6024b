"""Response headers, health endpoints, and error pages for responses that have none."""

from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import redirect, resolve_url
from django.urls import get_script_prefix
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect

from api.problem_responses import is_for_api
from connections.actions.refusals import ConnectionGone, EntryGone
from connections.views.kept_input import is_token_form, page_to_return_to
from core.htmx import is_htmx
from core.request_id import known_person
from orchestrator import errors, health
from orchestrator.form_pages import form_page
from people.actions.manage_people import PersonGone
from throttling.rate_limits import TooMany

HEADERS = {
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Keep other sites from loading our responses into their process or sharing a browsing context group.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
_METHODS = ("GET", "HEAD", "POST")
Respond = Callable[[HttpRequest], HttpResponse]


def health_endpoints(get_response: Respond) -> Respond:
    """Answer /healthz and /readyz before any other middleware.

    Monitors use plain HTTP and an address instead of the site's name, so neither the redirect to HTTPS nor
    ALLOWED_HOSTS may come first.
    """

    def respond(request: HttpRequest) -> HttpResponse:
        answer = _ENDPOINTS.get(request.path_info)
        if answer is None:
            return get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        response = answer()
        response.headers["Cache-Control"] = "no-store"
        return response

    return respond


def _alive() -> HttpResponse:
    """GET /healthz: this process responds. It checks nothing else."""
    return HttpResponse("alive\n", content_type="text/plain")


def _ready() -> HttpResponse:
    """GET /readyz: the state of every part; 503 if one does not work."""
    parts = health.current_report()
    ready = all(part.ok for part in parts)
    return JsonResponse({"ready": ready, "parts": [asdict(part) for part in parts]}, status=200 if ready else 503)


_ENDPOINTS: dict[str, Callable[[], HttpResponse]] = {"/healthz": _alive, "/readyz": _ready}


def api_urls(get_response: Respond) -> Respond:
    """Look for the operations of the REST API in a URLconf of their own, which is loaded by the first such request.

    https://docs.djangoproject.com/en/5.2/topics/http/urls/#how-django-processes-a-request
    """

    def respond(request: HttpRequest) -> HttpResponse:
        if is_for_api(request):
            request.urlconf = settings.API_URLCONF
        return get_response(request)

    return respond


def known_methods(get_response: Respond) -> Respond:
    """Refuse all methods that no page uses, because some of Django's views treat them like GET or POST."""

    def respond(request: HttpRequest) -> HttpResponse:
        # Operations of the API know their own.
        if request.method not in _METHODS and not is_for_api(request):
            return HttpResponseNotAllowed(_METHODS)
        return get_response(request)

    return respond


def headers(get_response: Respond) -> Respond:
    """Add the headers of every response, except the content security policy."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if known_person(request) is not None:
            # Keep pages out of the browser's disk cache, where the next user of the machine could find them.
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return respond


class ErrorPages:
    """Our own pages for errors that Django answers without a page, and the redirect to sign-in for htmx requests."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, or our page instead."""
        response = self.get_response(request)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and not response.content:
            page = errors.answer(request, errors.NOT_ALLOWED)
            page.headers["Allow"] = response.headers.get("Allow", "")
            return page
        if _leads_to_the_sign_in(request, response):
            return _to_the_sign_in(request, response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page for errors that can happen in every view: too many attempts, or a row that is gone."""
        if isinstance(exception, ConnectionGone | EntryGone | PersonGone):
            return errors.row_gone(request, exception.code)
        return errors.too_many(request, exception) if isinstance(exception, TooMany) else None


def _leads_to_the_sign_in(request: HttpRequest, response: HttpResponse) -> bool:
    is_redirect = response.status_code == HTTPStatus.FOUND
    is_ours = request.method == "POST" or is_htmx(request)
    return is_ours and is_redirect and urlsplit(response.headers["Location"]).path == resolve_url("login")


def _to_the_sign_in(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Explain that the session ended, and return afterwards to the page, with what was typed into a token form."""
    if request.path_info == resolve_url("logout") or not (is_htmx(request) or request.headers.get("Referer")):
        return response
    known = {"next": page_to_return_to(request, _page_of(request))}
    if request.method == "POST":
        known["ended"] = "kept" if is_token_form(request) else "lost"
    address = f"{resolve_url('login')}?{urlencode(known)}"
    # Of htmx, redirect the whole page.
    return HttpResponseClientRedirect(address) if is_htmx(request) else redirect(address)


def _page_of(request: HttpRequest) -> str:
    """Path and query of the page that sent the request. The sign-in page itself refuses other sites."""
    name = "HX-Current-URL" if is_htmx(request) else "Referer"
    parts = urlsplit(request.headers.get(name, ""))
    path = form_page(parts.path) if parts.path else get_script_prefix()
    return f"{path}?{parts.query}" if parts.query else path
