"""Error pages in the product's design, each with the request ID that identifies its log lines."""

import sys
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import get_script_prefix

from api.problem_responses import is_for_api, problem_response
from connections.actions.token_test_rate_limit import TooManyTests
from connections.domain.problems import catalogue
from core.database_errors import DatabaseProblem, database_problem
from core.htmx import is_htmx
from throttling.rate_limits import TooMany, humanize


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """The texts of an error page. `code` is the stable problem code, if there is one."""

    status: int
    icon: str
    title: str
    explanation: str
    next_step: str
    code: str = ""


BAD_REQUEST = ErrorPage(
    400,
    "circle-alert",
    "Invalid request",
    "We couldn't read this request. Nothing was changed.",
    "Go back and try again.",
)
UNKNOWN_HOST = ErrorPage(
    400,
    "circle-alert",
    "Unknown host name",
    "This site is not served under the host name in the address. Nothing was changed.",
    "Check the address. The site administrator can add the host name to ALLOWED_HOSTS.",
    code="host_unknown",
)
FORBIDDEN = ErrorPage(
    403,
    "lock",
    "You don't have permission",
    "Your role does not allow this. Nothing was changed.",
    "Ask an administrator of MFE Orchestrator. Your account page shows what you may do.",
)
CSRF = ErrorPage(
    403,
    "refresh-cw",
    "The page was open too long",
    "For your security, the form was not accepted. Nothing was changed.",
    "Reload the page and try again. If it keeps happening, allow cookies for this site.",
)
NOT_FOUND = ErrorPage(
    404,
    "search-x",
    "Not found",
    "This page does not exist, or what it showed has been removed.",
    "Check the address, or start from the list.",
)
NOT_ALLOWED = ErrorPage(
    405,
    "circle-slash",
    "This request is not supported",
    "This address accepts only requests from its own buttons and forms. Nothing was changed.",
    "Go back and use the buttons on the page.",
)
TOO_LARGE = ErrorPage(
    413,
    "package-open",
    "Too much data",
    "The request is larger than any form here needs. Nothing was changed.",
    "Go back and send less.",
)
TOO_MANY = ErrorPage(
    429,
    "hourglass",
    "Too many requests",
    "There is a limit on how often one person or one address can do this. Nothing was changed.",
    "Try again in {wait}.",
)
OURS = ErrorPage(
    500,
    "bug",
    "Something went wrong",
    "This is our fault. The error has been logged.",
    "Try again in a moment. If it keeps happening, give the request ID to your support.",
)
AWAY = ErrorPage(
    503,
    "database-zap",
    "The database is not responding",
    "It is being restarted or can't be reached. Nothing was changed.",
    "Try again in a minute. The site administrator can find the cause in the log under the request ID.",
)
BUSY = ErrorPage(
    503,
    "hourglass",
    "The database is busy",
    "Another process has been writing to it for too long. Nothing was changed.",
    "Try again in a minute. If it keeps happening, the site administrator needs to find out what blocks the database.",
    code="database_busy",
)
FULL = ErrorPage(
    503,
    "hard-drive",
    "The disk is full",
    "The database has no space left. Nothing was changed, and nothing is half-written.",
    "The site administrator needs to free disk space. Everything then continues automatically.",
    code="disk_full",
)
READ_ONLY = ErrorPage(
    503,
    "lock",
    "The database is read-only",
    "Its disk, its file or the server can't be written to. Nothing was changed.",
    "The site administrator needs to make it writable again. Everything then continues automatically.",
    code="disk_read_only",
)
RETRY_AFTER_SECONDS = 30
_OF_PROBLEM = {
    DatabaseProblem.AWAY: AWAY,
    DatabaseProblem.BUSY: BUSY,
    DatabaseProblem.FULL: FULL,
    DatabaseProblem.READ_ONLY: READ_ONLY,
}
# Without the database the user is unknown, so these pages have no navigation.
_PLAIN = (OURS, *_OF_PROBLEM.values())


def answer(request: HttpRequest, page: ErrorPage, **more: Any) -> HttpResponse:
    """The error page, for htmx the fragment that replaces the expected result, and for programs a problem."""
    if is_for_api(request):
        return _for_program(request, page)
    context = {"error": page, "request_id": getattr(request, "request_id", ""), **more}
    if is_htmx(request):
        return _part(request, page, context)
    # Without `reverse`, because plain pages must work when nothing else does.
    context["home"] = get_script_prefix()
    if page in _PLAIN:
        return HttpResponse(render_to_string("errors/plain.html", context), status=page.status)
    return HttpResponse(render_to_string("errors/page.html", context, request=request), status=page.status)


# What pages need no code for, and programs do.
_CODES_FOR_PROGRAMS = {
    400: "body_unreadable",
    404: "address_unknown",
    405: "method_not_allowed",
    413: "body_too_large",
    429: "too_many_requests",
    500: "server_error",
    503: "database_unavailable",
}


def _for_program(request: HttpRequest, page: ErrorPage) -> HttpResponse:
    code = page.code or _CODES_FOR_PROGRAMS.get(page.status, "request_refused")
    own_words = catalogue.Problem(code, page.title, page.explanation, page.next_step)
    return problem_response(request, page.status, catalogue.PROBLEMS.get(code, own_words))


def _part(request: HttpRequest, page: ErrorPage, context: dict[str, Any]) -> HttpResponse:
    target = request.headers.get("HX-Target", "")
    element_id = target if target.replace("-", "").replace("_", "").isalnum() and len(target) < 60 else "main"
    part = render_to_string("errors/part.html", {**context, "element_id": element_id})
    response = HttpResponse(part, status=page.status)
    # The element that the button selects from a response is missing in this one.
    response.headers["HX-Reselect"] = response.headers["HX-Retarget"] = f"#{element_id}"
    response.headers["HX-Reswap"] = "outerHTML"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 for a request that is too large."""
    if isinstance(exception, DisallowedHost):
        return answer(request, UNKNOWN_HOST)
    return answer(request, TOO_LARGE if isinstance(exception, RequestDataTooBig) else BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return answer(request, FORBIDDEN)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that this site did not render for this browser."""
    return answer(request, CSRF)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return answer(request, NOT_FOUND)


def too_many(request: HttpRequest, refused: TooMany) -> HttpResponse:
    """429, with the time to wait."""
    page = TOO_MANY
    if isinstance(refused, TooManyTests):
        page = replace(_about_problem(page, refused.code), next_step=page.next_step)
    response = answer(request, page, next_step=page.next_step.format(wait=humanize(refused.seconds)))
    response.headers["Retry-After"] = str(refused.seconds)
    return response


def row_gone(request: HttpRequest, code: str) -> HttpResponse:
    """404 for a connection or a person that was removed, even during the request."""
    return answer(request, _about_problem(NOT_FOUND, code))


def _about_problem(page: ErrorPage, code: str) -> ErrorPage:
    """The page with the texts of a problem of the catalogue."""
    problem = catalogue.problem(code)
    return replace(
        page, code=problem.code, title=problem.title, explanation=problem.explanation, next_step=problem.next_step
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 if the database is unavailable."""
    problem = database_problem(sys.exc_info()[1])
    if problem is None:
        return answer(request, OURS)
    response = answer(request, _OF_PROBLEM[problem])
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
