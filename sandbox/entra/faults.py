"""The answers for each kind of fault at Microsoft Entra."""

from datetime import datetime

from sandbox import error_responses
from sandbox.entra.refusals import refusal
from sandbox.fault_answers import SAME_ANYWHERE, Answers
from sandbox.fault_injection import Fault
from sandbox.http_messages import Answer, Request

_THROTTLED, _BUSY = 90055, 90033


def answers(now: datetime) -> Answers:
    """The answers for each kind of fault."""

    def maintenance(request: Request, fault: Fault, _usual: Answer) -> Answer:
        if fault.variant == "json":
            return _with_retry(refusal(_BUSY, now, {}), fault)
        return error_responses.maintenance_page(request, fault.retry_after)

    return {
        **SAME_ANYWHERE,
        "throttle": lambda _request, fault, _usual: _with_retry(refusal(_THROTTLED, now, {}), fault),
        "maintenance": maintenance,
        "entra_error": lambda _request, fault, _usual: refusal(int(fault.code), now, {}),
    }


def _with_retry(answer: Answer, fault: Fault) -> Answer:
    answer.headers.append(("Retry-After", f"{fault.retry_after:g}"))
    return answer
