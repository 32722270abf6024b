"""Our own error pages, in the product's look, each with the id that finds its log line."""

import sys
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import get_script_prefix

from connections.actions.token_test_rate_limit import TooManyTests
from connections.domain.problems import catalogue
from core.database_errors import Trouble, trouble_of
from throttling.rate_limits import TooMany, humanize


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What a person reads. `next_step` says what helps; `code` is that of the catalogue of problems, if it has one."""

    status: int
    icon: str
    title: str
    explanation: str
    next_step: str
    code: str = ""


BAD_REQUEST = ErrorPage(
    400,
    "circle-alert",
    "This request was not understood",
    "Something in it was not of the right form. Nothing was changed.",
    "Go back and try again.",
)
FORBIDDEN = ErrorPage(
    403,
    "lock",
    "You may not do this",
    "Your role does not allow it. Nothing was changed.",
    "Ask an administrator of MFE Orchestrator. Your account says what you may do.",
)
CSRF = ErrorPage(
    403,
    "refresh-cw",
    "The page was open too long",
    "For your safety the form was not accepted. Nothing was changed.",
    "Open the page again and repeat what you did. If it stays, allow cookies for this site.",
)
NOT_FOUND = ErrorPage(
    404,
    "search-x",
    "Not found",
    "This page does not exist, or what it was about is gone.",
    "Check the address, or begin at the list.",
)
NOT_ALLOWED = ErrorPage(
    405,
    "circle-slash",
    "This page cannot be used that way",
    "The address is right, but it takes only what its own buttons and forms send. Nothing was changed.",
    "Go back and use the page's own buttons.",
)
TOO_LARGE = ErrorPage(
    413,
    "package-open",
    "Too much at once",
    "What was sent is larger than any form here needs. Nothing was changed.",
    "Go back and send less.",
)
TOO_MANY = ErrorPage(
    429,
    "hourglass",
    "Too often",
    "This may be done only so often by one person or from one address. Nothing was changed.",
    "Try again in {wait}.",
)
OURS = ErrorPage(
    500,
    "bug",
    "Something went wrong",
    "The fault is ours, and it is in the log.",
    "Try again in a moment. If it stays, give the request id to your support.",
)
AWAY = ErrorPage(
    503,
    "database-zap",
    "The database does not answer",
    "It is being restarted, or cannot be reached. Nothing was changed by this request.",
    "Try again in a minute. Whoever runs this site finds the cause under the request id in the log.",
)
BUSY = ErrorPage(
    503,
    "hourglass",
    "The database is busy",
    "Somebody else has been writing to it for too long. Nothing was changed by this request.",
    "Try again in a minute. If it stays, whoever runs this site looks for what holds the database.",
    code="database_busy",
)
FULL = ErrorPage(
    503,
    "hard-drive",
    "The disk is full",
    "The database has no room to write. Nothing was changed by this request, and nothing is half-written.",
    "Whoever runs this site makes room on the database's disk. Everything then goes on by itself; try again.",
    code="disk_full",
)
READ_ONLY = ErrorPage(
    503,
    "lock",
    "The database cannot be written",
    "Its disk, its file or the server is read-only. Nothing was changed by this request.",
    "Whoever runs this site makes it writable again. Everything then goes on by itself; try again.",
    code="disk_read_only",
)
RETRY_AFTER_TROUBLE = 30
_OF_TROUBLE = {
    Trouble.AWAY: AWAY,
    Trouble.BUSY: BUSY,
    Trouble.FULL: FULL,
    Trouble.READ_ONLY: READ_ONLY,
}
# Without the database nobody knows who asks: then the page is as plain as can be.
_PLAIN = (OURS, *_OF_TROUBLE.values())


def answer(request: HttpRequest, page: ErrorPage, **more: Any) -> HttpResponse:
    """The page, or for htmx the part of it that stands where the result would have stood."""
    context = {"error": page, "request_id": getattr(request, "request_id", ""), **more}
    if request.headers.get("HX-Request") == "true":
        return _part(request, page, context)
    # Not from an address' name: plain pages are shown also when nothing else works.
    context["home"] = get_script_prefix()
    template = "errors/plain.html" if page in _PLAIN else "errors/page.html"
    return HttpResponse(render_to_string(template, context, request=_safe(request, page)), status=page.status)


def _safe(request: HttpRequest, page: ErrorPage) -> HttpRequest | None:
    return None if page in _PLAIN else request


def _part(request: HttpRequest, page: ErrorPage, context: dict[str, Any]) -> HttpResponse:
    target = request.headers.get("HX-Target", "")
    place = target if target.replace("-", "").replace("_", "").isalnum() and len(target) < 60 else "main"
    part = render_to_string("errors/part.html", {**context, "place": place})
    response = HttpResponse(part, status=page.status)
    # What the button wanted to pick out of the page is not in this one.
    response.headers["HX-Reselect"] = response.headers["HX-Retarget"] = f"#{place}"
    response.headers["HX-Reswap"] = "outerHTML"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, and 413 for what is too large."""
    return answer(request, TOO_LARGE if isinstance(exception, RequestDataTooBig) else BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return answer(request, FORBIDDEN)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 when the form was not made by this site for this browser."""
    return answer(request, CSRF)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return answer(request, NOT_FOUND)


def too_many(request: HttpRequest, refused: TooMany) -> HttpResponse:
    """429 with when to try again."""
    page = TOO_MANY
    if isinstance(refused, TooManyTests):
        problem = catalogue.problem(refused.code)
        page = replace(page, code=problem.code, title=problem.title, explanation=problem.explanation)
    response = answer(request, page, next_step=page.next_step.format(wait=humanize(refused.seconds)))
    response.headers["Retry-After"] = str(refused.seconds)
    return response


def row_gone(request: HttpRequest, code: str) -> HttpResponse:
    """404 for a connection or a person that was removed, also while the request was under way."""
    problem = catalogue.problem(code)
    page = replace(
        NOT_FOUND,
        code=problem.code,
        title=problem.title,
        explanation=problem.explanation,
        next_step=problem.next_step,
    )
    return answer(request, page)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, and 503 when the database cannot do its work."""
    trouble = trouble_of(sys.exc_info()[1])
    if trouble is None:
        return answer(request, OURS)
    response = answer(request, _OF_TROUBLE[trouble])
    response.headers["Retry-After"] = str(RETRY_AFTER_TROUBLE)
    return response
