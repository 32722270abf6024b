"""`GET /metrics`, and the counting of requests."""

from collections.abc import Callable, Iterator
from datetime import datetime
from secrets import compare_digest
from time import monotonic

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import exposition
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from core.metric_totals import totals
from orchestrator.metrics.counted import counted
from orchestrator.metrics.credentials import credentials
from orchestrator.metrics.work import work

PATH = "/metrics"
Respond = Callable[[HttpRequest], HttpResponse]


class Metrics:
    """Answer /metrics, and count what the rest of the site answers.

    As for /healthz, redirects to HTTPS and the list of allowed hosts come later: Prometheus asks an address.
    """

    def __init__(self, get_response: Respond) -> None:
        if not settings.METRICS_TOKEN:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The metrics, or the answer of the rest of the site."""
        if request.path_info == PATH:
            return _answer(request)
        started = monotonic()
        response = self.get_response(request)
        _count(request, response, monotonic() - started)
        return response


def _count(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    route = request.resolver_match.route if request.resolver_match else "none"
    totals.add("orchestrator_http_requests", route=route, method=_method(request), status=str(response.status_code))
    totals.observe("orchestrator_http_request_duration_seconds", seconds, route=route)
    totals.flush_if_due()


def _method(request: HttpRequest) -> str:
    """Anybody can make up methods; each would be a series."""
    return request.method if request.method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE") else "other"


def _answer(request: HttpRequest) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    if not _may_read(request):
        return HttpResponse(
            "The bearer token is missing or wrong.\n",
            status=401,
            content_type="text/plain",
            headers={"WWW-Authenticate": 'Bearer realm="metrics"'},
        )
    totals.flush()
    encode, content_type = _encoder_for(request.headers.get("Accept", ""))
    body = encode(_Registry(timezone.now()))
    return HttpResponse(body, content_type=content_type, headers={"Cache-Control": "no-store"})


def _encoder_for(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    """The encoder and its content type; the oldest text format if the header has a version that is no version."""
    try:
        return exposition.choose_encoder(accept)
    except TypeError:
        return exposition.choose_encoder("")


def _may_read(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    is_right = compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    return scheme.lower() == "bearer" and is_right


class _Registry:
    """What prometheus-client's encoders read: every metric as it is now."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """All metrics. Raises `django.db.Error` when the database is away: no answer is better than an empty one."""
        yield from credentials(self._now)
        yield from work(self._now)
        yield from counted()
