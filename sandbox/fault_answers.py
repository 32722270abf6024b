"""The answers for each kind of fault in `sandbox.fault_injection`."""

from collections.abc import Callable, Mapping

from sandbox import error_responses, intermediaries, permissions
from sandbox.fault_injection import Fault
from sandbox.http_messages import Answer, Request, json_answer, model_error, usual_headers
from sandbox.list_faults import LISTS

Headers = list[tuple[str, str]]
Answers = Mapping[str, Callable[[Request, Fault, Answer], Answer]]


def faulty_answer(request: Request, fault: Fault, ask: Callable[[Request], Answer], answers: Answers) -> Answer:
    """The faulty answer. `ask` is the service, called only if its usual answer is needed.

    `answers` are those of the service for each kind.
    Faults that break the connection itself are handled by the connection.
    """
    if fault.kind in LISTS:
        answer = LISTS[fault.kind](request, fault, ask)
    else:
        usual = ask(request) if fault.needs_answer else Answer(0)
        answer = answers[fault.kind](request, fault, usual) if fault.kind in answers else usual
    if fault.status is not None:
        answer.status = fault.status
    if fault.body is not None:
        answer.body = fault.body.encode()
    answer.headers = _with(answer.headers, list(fault.headers.items()))
    return answer


def _with(headers: Headers, more: Headers) -> Headers:
    """Headers, with those of the same name replaced."""
    replaced = {name.lower() for name, _ in more}
    return [(name, value) for name, value in headers if name.lower() not in replaced] + more


def _throttled_refusal(request: Request, fault: Fault, _usual: Answer) -> Answer:
    refused: dict[int, Callable[[Request], Answer]] = {
        203: error_responses.sign_in_page,
        302: error_responses.to_sign_in,
        403: lambda asked: Answer(403, b"", usual_headers(asked)),
    }
    answer = refused.get(fault.status or 401, error_responses.wrong_token)(request)
    limits = error_responses.limit_headers(request, fault.retry_after, remaining=0)
    headers = {"retry_after": "Retry-After", "remaining": "X-RateLimit-Remaining", "delay": "X-RateLimit-Delay"}
    only = headers.get(fault.variant)
    answer.headers = _with(answer.headers, [limit for limit in limits if only in (None, limit[0])])
    return answer


def _near_limit(request: Request, fault: Fault, usual: Answer) -> Answer:
    limits = error_responses.limit_headers(request, fault.retry_after, remaining=3)
    return Answer(usual.status, usual.body, [*usual.headers, *limits])


def _maintenance(request: Request, fault: Fault, _usual: Answer) -> Answer:
    answer = error_responses.host_shut_down if fault.variant == "json" else error_responses.maintenance_page
    return answer(request, fault.retry_after)


def _not_json(_request: Request, _fault: Fault, usual: Answer) -> Answer:
    return Answer(200, b"{not json", usual.headers)


def _bom(_request: Request, _fault: Fault, usual: Answer) -> Answer:
    return Answer(usual.status, b"\xef\xbb\xbf" + usual.body, usual.headers)


# Whichever service is asked.
SAME_ANYWHERE: Answers = {
    "status": lambda _request, _fault, _usual: Answer(500),
    "block_page": lambda _request, _fault, _usual: intermediaries.block_page(),
    "not_json": _not_json,
    "bom": _bom,
}
ANSWERS: Answers = {
    **SAME_ANYWHERE,
    "throttle": lambda request, fault, _usual: error_responses.throttled(request, fault.retry_after),
    "throttled_refusal": _throttled_refusal,
    "near_limit": _near_limit,
    "wrong_token": lambda request, _fault, _usual: error_responses.wrong_token(request),
    "scope_missing": lambda request, _fault, _usual: error_responses.scope_missing(request),
    "not_materialized": lambda request, _fault, _usual: error_responses.not_materialized(request, request.person),
    "no_such_host": lambda request, _fault, _usual: error_responses.no_such_host(request),
    "maintenance": _maintenance,
    "sign_in_page": lambda request, _fault, _usual: error_responses.sign_in_page(request),
    "gateway": lambda _request, fault, _usual: intermediaries.gateway_refusal(fault.variant),
    "list_error": lambda request, _fault, _usual: model_error(request, 400, "Something is wrong."),
    "permission_denied": lambda request, _fault, _usual: permissions.denied(request),
    "releases_off": lambda request, _fault, _usual: error_responses.page_not_found(request),
    "redirect": lambda request, fault, _usual: intermediaries.redirect(request, fault.variant),
    "pat_error": lambda request, fault, _usual: json_answer(request, {"patToken": None, "patTokenError": fault.code}),
}
