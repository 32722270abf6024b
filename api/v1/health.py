"""The health of the product itself."""

from http import HTTPStatus

from ninja import Router

from api import health_report
from api.authentication import ApiRequest
from api.v1 import schemas
from api.v1.access import Access
from api.v1.responses import answers

router = Router(tags=["Health"])


@router.get(
    "/health",
    auth=Access("connections.view_connection"),
    response=answers(HTTPStatus.OK, schemas.HealthReport),
    summary="Read the health of the product",
)
def get_health(request: ApiRequest) -> schemas.HealthReport:
    """Return whether database, broker, scheduler, workers and history work."""
    parts = [
        schemas.HealthPart(name=part.name, is_ok=part.ok, says=part.says, seconds=part.seconds)
        for part in health_report.parts()
    ]
    return schemas.HealthReport(is_ready=all(part.is_ok for part in parts), parts=parts)
