"""The logging configuration: text for terminals or JSON for log stores, always without secrets.

Each line contains the ids of its context: `request_id`, `task_id` and `connection_id`, and for calls to Azure DevOps
also `session` and `activity_id`. With them, one failing test can be followed through web, worker and Azure DevOps.
"""

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from structlog.typing import EventDict, WrappedLogger

from core.control_characters import one_line, without_control_characters
from core.redaction import clean

# Values that a line may contain beside its message. Each is an id, a number or a code, so none can be a secret.
BESIDE = ("session", "activity_id", "method", "path", "status", "seconds", "code", "view", "person_id", "retry_after")
IDS = ("request_id", "task_id", "task", "connection_id")


class RedactionFilter(logging.Filter):
    """Cleans the message and its arguments before any handler sees them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record, cleaned."""
        record.msg = clean(record.getMessage())
        record.args = None
        return True


class OrdinaryRefusals(logging.Filter):
    """Removes the traceback of refused requests, such as for a missing page, which are not errors of the product."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        if record.exc_info and isinstance(record.exc_info[1], PermissionDenied | SuspiciousOperation | Http404):
            record.exc_info = None
            record.exc_text = None
        return True


def _clean_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Clean each value before it becomes JSON, where an escaped line break would hide the start of a token."""
    return {key: _cleaned(value) for key, value in event.items()}


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {str(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value if isinstance(value, int | float | bool | None) else clean(str(value))


def _as_text(_logger: WrappedLogger, _method: str, event: MutableMapping[str, Any]) -> str:
    exception = event.pop("exception", "")
    head = f"{event.pop('timestamp')} {event.pop('level').upper()} {event.pop('logger')}: {event.pop('event')}"
    names = [*IDS, *sorted(event.keys() - set(IDS))]
    ids = " ".join(f"{name}={event[name]}" for name in names if event.get(name) not in (None, ""))
    return "\n".join(filter(None, (one_line(f"{head} [{ids}]" if ids else head), exception)))


class Formatter(structlog.stdlib.ProcessorFormatter):
    """Formats the records of every library, as JSON or as text."""

    def __init__(self, *, as_json: bool, **_: Any) -> None:
        shared: list[Any] = [
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.ExtraAdder(allow=BESIDE),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
        ]
        last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _clean_values]
        last.append(structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else _as_text)
        super().__init__(processors=last, foreign_pre_chain=shared)

    def format(self, record: logging.LogRecord) -> str:
        """The line, cleaned again, and without control characters, which texts from outside may contain."""
        return without_control_characters(clean(super().format(record)))


def configuration(*, level: str, as_json: bool) -> dict[str, Any]:
    """Django's LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "redact": {"()": "core.logs.RedactionFilter"},
            "ordinary": {"()": "core.logs.OrdinaryRefusals"},
        },
        "formatters": {"line": {"()": "core.logs.Formatter", "as_json": as_json}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "filters": ["redact", "ordinary"],
                "formatter": "line",
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            # `core.request_id` logs refusals too, with the URL pattern instead of the URL.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            "urllib3": {"level": "WARNING"},
            # Its warnings contain the values of headers that it cannot parse.
            "urllib3.connection": {"level": "ERROR"},
            # Otherwise every task logs two lines, several times a minute.
            "celery": {"level": "WARNING"},
        },
    }
