"""What Microsoft Entra answers when something goes wrong there."""

from datetime import datetime

from sandbox import error_responses, intermediaries
from sandbox.entra.refusals import refusal
from sandbox.fault_answers import Answers
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
        "status": lambda _request, _fault, _usual: Answer(500),
        "throttle": lambda _request, fault, _usual: _with_retry(refusal(_THROTTLED, now, {}), fault),
        "maintenance": maintenance,
        "block_page": lambda _request, _fault, _usual: intermediaries.block_page(),
        "entra_error": lambda _request, fault, _usual: refusal(int(fault.code), now, {}),
        "not_json": lambda _request, _fault, usual: Answer(200, b"{not json", usual.headers),
        "bom": lambda _request, _fault, usual: Answer(usual.status, b"\xef\xbb\xbf" + usual.body, usual.headers),
    }


def _with_retry(answer: Answer, fault: Fault) -> Answer:
    answer.headers.append(("Retry-After", f"{fault.retry_after:g}"))
    return answer
