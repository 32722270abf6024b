"""Calibration: an administrator starts it, reviews the resulting file, and may download it."""

from typing import Any

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from connections import clients, reads
from connections.actions.calibrate import calibrate
from connections.actions.refusals import CannotCalibrate
from connections.calibration_forms import CalibrationForm
from connections.domain.calibration import Calibration, Comparison, Result, highest_levels
from connections.domain.problems import catalogue
from connections.models import Connection
from connections.providers.organization import Place
from connections.views.common import person
from connections.views.connection_detail import find
from connections.views.presenters import Chip
from expected_answers import expected_answers
from history.record import actor_of

may_calibrate = permission_required("connections.calibrate_connection", raise_exception=True)
# How long the result of a run can be downloaded from its page.
_SECONDS = 60 * 60
_CHIPS = {
    Result.AS_EXPECTED: Chip("As expected", "circle-check", "good"),
    Result.DIFFERENT: Chip("Different", "circle-alert", "warn"),
    Result.NO_ANSWER: Chip("No response", "circle-question-mark", "warn"),
    Result.NOT_ASKED: Chip("Not sent", "minus", "quiet"),
}
_ORDER = (Result.DIFFERENT, Result.NO_ANSWER, Result.NOT_ASKED, Result.AS_EXPECTED)


@never_cache
@require_http_methods(["GET", "POST"])
@may_calibrate
def calibrate_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET lists the requests; POST sends them and shows the result file, which is not stored."""
    connection = find(pk)
    place = clients.place_of(connection.server)
    if request.method == "GET":
        return _question(
            request,
            connection,
            CalibrationForm(initial=highest_levels(reads.granted_capabilities(connection)), place=place),
        )
    form = CalibrationForm(request.POST, place=place)
    if not form.is_valid():
        return _question(request, connection, form)
    try:
        calibration = calibrate(connection, form.told(), by=actor_of(request), now=timezone.now())
    except CannotCalibrate as refused:
        form.add_error(refused.field or None, refused.message)
        return _question(request, connection, form)
    return _result(request, connection, calibration, place)


@never_cache
@require_POST
@may_calibrate
def download(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: download the file that the page has just shown. The form carries it, signed."""
    connection = find(pk)
    try:
        text = signing.loads(request.POST.get("file", ""), salt=_salt(request, connection), max_age=_SECONDS)
    except signing.BadSignature:
        flash.error(request, "The file is no longer available. Run the calibration again.")
        return redirect("connections:calibrate", pk=connection.pk)
    name = f"calibration-{timezone.localdate()}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="application/json", headers=headers)


def _salt(request: HttpRequest, connection: Connection) -> str:
    return f"connections.domain.calibration.{person(request).pk}.{connection.pk}"


def _question(request: HttpRequest, connection: Connection, form: CalibrationForm) -> HttpResponse:
    requests = expected_answers().requests.values()
    context = {
        "connection": connection,
        "form": form,
        "requests": requests,
        "count": len(requests),
        "write_probes": settings.AZURE_DEVOPS_WRITE_PROBES,
        "test_limit": int(settings.AZURE_DEVOPS_TEST_LIMIT),
    }
    return render(request, "connections/calibrate.html", context)


def _result(request: HttpRequest, connection: Connection, calibration: Calibration, place: Place) -> HttpResponse:
    text = calibration.file()
    context: dict[str, Any] = {
        "connection": connection,
        # Unexpected responses first, otherwise in the order of the file.
        "rows": [_row(comparison, place) for result in _ORDER for comparison in calibration.with_result(result)],
        "different": calibration.counts[Result.DIFFERENT],
        "unanswered": calibration.counts[Result.NO_ANSWER],
        "file": text,
        "signed": signing.dumps(text, salt=_salt(request, connection), compress=True),
    }
    return render(request, "connections/calibrated.html", context)


def _row(comparison: Comparison, place: Place) -> dict[str, Any]:
    detail = comparison.points
    if comparison.reason:
        detail = catalogue.problem(comparison.reason, place=place).title
    return {
        "title": comparison.request.title,
        "situation": comparison.situation_in_words,
        "chip": _CHIPS[comparison.result],
        "detail": detail,
    }
