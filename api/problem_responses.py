"""Errors of the REST API as `application/problem+json` (RFC 9457), under the codes of the catalogue."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from django.conf import settings
from django.http import HttpRequest, JsonResponse

from connections.domain.problems import Problem, catalogue

MEDIA_TYPE = "application/problem+json"


def is_for_api(request: HttpRequest) -> bool:
    """Whether the request is for the API, which answers with problems instead of pages."""
    return request.path_info.startswith(settings.API_PREFIX)


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of the request."""

    field: str
    message: str


def problem_response(
    request: HttpRequest,
    status: int,
    problem: Problem,
    *,
    detail: str = "",
    errors: Iterable[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, str | None] | None = None,
) -> JsonResponse:
    """The response for a problem. `detail` replaces the words of the catalogue; empty values of `more` are omitted."""
    body: dict[str, object] = {
        "type": f"urn:mfe-orchestrator:problem:{problem.code}",
        "title": problem.title,
        "status": status,
        "detail": detail or f"{problem.explanation} {problem.next_step}".strip(),
        "code": problem.code,
        "request_id": getattr(request, "request_id", ""),
    }
    body |= {name: value for name, value in (more or {}).items() if value}
    listed = [asdict(error) for error in errors]
    if listed:
        body["errors"] = listed
    response = JsonResponse(body, status=status, content_type=MEDIA_TYPE)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    response.headers["Cache-Control"] = "no-store"
    return response


def coded_response(request: HttpRequest, status: int, code: str, **more: str) -> JsonResponse:
    """The response for a code of the catalogue, with additional headers by name (`retry_after="5"`)."""
    headers = {name.replace("_", "-").title(): value for name, value in more.items()}
    return problem_response(request, status, catalogue.problem(code), headers=headers)
