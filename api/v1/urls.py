"""URLs of the operations, which are authenticated by API token only; cookies are ignored."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt

from api.problem_responses import coded_response
from api.v1.bodies import is_too_large
from api.v1.operations import api

app_name = "v1"
View = Callable[..., HttpResponse]


def _for_programs(view: View) -> View:
    """Exempt from sign-in and CSRF, never cached, and with a problem response for unknown methods."""

    @wraps(view)
    def respond(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_too_large(request):
            return coded_response(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large")
        response = view(request, *args, **kwargs)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = ", ".join(sorted(response.headers["Allow"].split(", ")))
            return coded_response(request, HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", allow=allowed)
        response.headers["Cache-Control"] = "no-store"
        return response

    return login_not_required(csrf_exempt(respond))


def _unknown(request: HttpRequest) -> HttpResponse:
    return coded_response(request, HTTPStatus.NOT_FOUND, "address_unknown")


def _operations() -> list[URLPattern]:
    """The URLs of the framework, without its own documentation."""
    found = [pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern) and pattern.name != "api-root"]
    return [path(str(pattern.pattern), _for_programs(pattern.callback), name=pattern.name) for pattern in found]


urlpatterns = [*_operations(), re_path("", _for_programs(_unknown))]
