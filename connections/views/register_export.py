"""The register as CSV, with the columns that an import reads."""

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections import register_reads, register_rules
from connections.models import RegisterEntry
from connections.register_forms import RegisterFilterForm
from connections.views.register import filters_of, may_see
from core.csv_export import csv_download, csv_text

HEADER = (*register_rules.FIELDS, "closed_on", "closed_reason")


@require_safe
@may_see
def export(request: HttpRequest) -> StreamingHttpResponse:
    """GET /code-repositories/register.csv: what the list shows with the same filters, in its order, streamed."""
    matching = register_reads.entries(filters_of(RegisterFilterForm(request.GET)), today=timezone.localdate())
    steps = (map(_cells, step) for step in register_reads.in_steps(matching))
    return csv_download(csv_text(HEADER, steps), name="register.csv")


def _cells(entry: RegisterEntry) -> tuple[str, ...]:
    consumers = (consumer.as_input() for consumer in entry.consumers.all())
    return (
        entry.name,
        entry.kind,
        entry.organization,
        entry.owner.get_username(),
        entry.outside_owner,
        entry.purpose,
        register_rules.consumers_text(consumers),
        entry.scopes,
        entry.expires_on.isoformat() if entry.expires_on else "",
        entry.extra_recipients,
        entry.notes,
        timezone.localdate(entry.closed_at).isoformat() if entry.closed_at else "",
        entry.closed_reason,
    )
