"""Problem responses for every exception of an operation or of the framework."""

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError

from api.actions.idempotency import KeyInUse, KeyReused
from api.authentication import NotAuthenticated, NotPermitted
from api.problem_responses import FieldError, coded_response, problem_response
from api.v1.bodies import BadBody
from api.v1.cursors import InvalidCursor
from api.v1.remote import RemoteFailure, failure_response
from connections.actions.refusals import ConnectionGone, EntryGone, Refused
from connections.actions.token_test_rate_limit import TooManyTests
from connections.domain.problems import catalogue
from connections.providers.azure_devops.entra_input import InvalidEntraInput
from connections.providers.azure_devops.errors import NO_ANSWER_CODES
from connections.providers.azure_devops.identifiers import InvalidToken
from connections.providers.azure_devops.input_errors import TOKEN_ERRORS
from throttling.rate_limits import TooMany

# Another row or another request is in the way, and nothing is wrong with the input.
_CONFLICTS = {"name_taken", "entry_name_taken", "same_token", "replaced_meanwhile"}
_RETRY_AFTER_REQUEST = 5
_RETRY_AFTER_NO_ANSWER = 30


class PreconditionMissing(Exception):
    """A change without `If-Match`."""


class UnknownParameters(Exception):
    """Unknown parameters of a list; otherwise a misspelled filter would have no effect."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(names)
        self.names = names


def require_known(request: HttpRequest, filters: Schema) -> None:
    """Raise `UnknownParameters` for any that is no field of `filters`."""
    unknown = sorted(set(request.GET) - set(type(filters).model_fields))
    if unknown:
        raise UnknownParameters(unknown)


def register(api: NinjaAPI) -> None:
    """Register the handlers. Called once."""
    for kind, handler in _HANDLERS.items():
        api.add_exception_handler(kind, handler)


def _not_authenticated(request: HttpRequest, error: NotAuthenticated) -> HttpResponse:
    response = coded_response(request, HTTPStatus.UNAUTHORIZED, error.code)
    failed = "" if error.code == "api_token_missing" else ', error="invalid_token"'
    response.headers["WWW-Authenticate"] = f'Bearer realm="MFE Orchestrator"{failed}'
    return response


def _not_permitted(request: HttpRequest, error: NotPermitted) -> HttpResponse:
    return coded_response(request, HTTPStatus.FORBIDDEN, error.code)


def _too_many(request: HttpRequest, error: TooMany) -> HttpResponse:
    code = error.code if isinstance(error, TooManyTests) else "too_many_requests"
    return coded_response(request, HTTPStatus.TOO_MANY_REQUESTS, code, retry_after=str(error.seconds))


def _bad_request(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Unwrap the exception of our parser."""
    cause = error.__cause__
    if isinstance(cause, BadBody):
        return coded_response(request, cause.status, cause.code)
    return coded_response(request, HTTPStatus.BAD_REQUEST, "body_unreadable")


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Name the fields. What was sent is not repeated: it may be a secret."""
    listed = [
        FieldError(_field(mistake["loc"]), mistake["msg"].removeprefix("Value error, ")) for mistake in error.errors
    ]
    problem = catalogue.problem("input_invalid")
    return problem_response(request, HTTPStatus.UNPROCESSABLE_ENTITY, problem, errors=listed)


def _field(place: tuple[str | int, ...]) -> str:
    """`projects.0` from ("body", "body", "projects", 0): where it was sent, and our parameter, say nothing."""
    return ".".join(str(part)[:100] for part in place if part not in ("body", "query", "path", "header", "filters"))


def _unknown_parameters(request: HttpRequest, error: UnknownParameters) -> HttpResponse:
    errors = [FieldError(name[:100], "There is no such parameter.") for name in error.names]
    problem = catalogue.problem("input_invalid")
    return problem_response(request, HTTPStatus.UNPROCESSABLE_ENTITY, problem, errors=errors)


def _refused(request: HttpRequest, error: Refused) -> HttpResponse:
    # The message says what no words of the catalogue say.
    unlisted = replace(catalogue.problem("request_refused"), code=error.code)
    problem = catalogue.PROBLEMS.get(error.code, unlisted)
    errors = [FieldError(error.field, error.message)] if error.field else []
    errors += [FieldError(conflict.field, f"{conflict.label}: {conflict.now}") for conflict in error.conflicts]
    status = _status_of(error)
    retry = {"Retry-After": str(_RETRY_AFTER_NO_ANSWER)} if status is HTTPStatus.SERVICE_UNAVAILABLE else None
    return problem_response(request, status, problem, detail=error.message, errors=errors, headers=retry)


def _status_of(error: Refused) -> HTTPStatus:
    if isinstance(error, ConnectionGone | EntryGone):
        return HTTPStatus.NOT_FOUND
    if error.conflicts:
        return HTTPStatus.PRECONDITION_FAILED
    if error.code in _CONFLICTS:
        return HTTPStatus.CONFLICT
    return HTTPStatus.SERVICE_UNAVAILABLE if error.code in NO_ANSWER_CODES else HTTPStatus.UNPROCESSABLE_ENTITY


def _invalid_token(request: HttpRequest, error: InvalidToken) -> HttpResponse:
    words = TOKEN_ERRORS[error.code]
    problem = catalogue.problem("input_invalid")
    errors = [FieldError("token", words)]
    return problem_response(request, HTTPStatus.UNPROCESSABLE_ENTITY, problem, detail=words, errors=errors)


def _invalid_application(request: HttpRequest, error: InvalidEntraInput) -> HttpResponse:
    problem = catalogue.problem("input_invalid")
    errors = [FieldError(f"application.{error.field}", error.message)]
    return problem_response(request, HTTPStatus.UNPROCESSABLE_ENTITY, problem, detail=error.message, errors=errors)


def _invalid_cursor(request: HttpRequest, error: InvalidCursor) -> HttpResponse:
    return coded_response(request, HTTPStatus.UNPROCESSABLE_ENTITY, "cursor_invalid")


def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return coded_response(request, HTTPStatus.NOT_FOUND, "address_unknown")


def _precondition_missing(request: HttpRequest, error: PreconditionMissing) -> HttpResponse:
    return coded_response(request, HTTPStatus.PRECONDITION_REQUIRED, "precondition_missing")


def _key_reused(request: HttpRequest, error: KeyReused) -> HttpResponse:
    return coded_response(request, HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused")


def _key_in_use(request: HttpRequest, error: KeyInUse) -> HttpResponse:
    retry = str(_RETRY_AFTER_REQUEST)
    return coded_response(request, HTTPStatus.CONFLICT, "idempotency_key_in_use", retry_after=retry)


def _fault(request: HttpRequest, error: Exception) -> HttpResponse:
    """Leave it to Django, which logs it and asks `orchestrator.errors` for the response."""
    raise error


_HANDLERS: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    NotAuthenticated: _not_authenticated,
    NotPermitted: _not_permitted,
    TooMany: _too_many,
    HttpError: _bad_request,
    ValidationError: _invalid,
    UnknownParameters: _unknown_parameters,
    Refused: _refused,
    InvalidToken: _invalid_token,
    InvalidEntraInput: _invalid_application,
    InvalidCursor: _invalid_cursor,
    RemoteFailure: failure_response,
    Http404: _not_found,
    PreconditionMissing: _precondition_missing,
    KeyReused: _key_reused,
    KeyInUse: _key_in_use,
    Exception: _fault,
}
