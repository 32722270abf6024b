"""How log lines look: as text for a terminal, as JSON for a log store, never with a secret.

Each line carries the ids that were bound where it was written: `request_id`, `task_id`, `connection_id`; lines about
calls to Azure DevOps also `session` and `activity_id`. So one failing test is found in web, worker and Azure DevOps.
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

# What may stand beside the message: each is an id, a number or a code, and none can hold a secret.
BESIDE = ("session", "activity_id", "method", "path", "status", "seconds", "code", "view", "person_id", "retry_after")
IDS = ("request_id", "task_id", "task", "connection_id")


class RedactionFilter(logging.Filter):
    """Cleans the message and its arguments before any handler sees them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record through, cleaned."""
        record.msg = clean(record.getMessage())
        record.args = None
        return True


class OrdinaryRefusals(logging.Filter):
    """Takes the traceback off what is no fault of ours: somebody asked for what is not there or not theirs."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record through."""
        if record.exc_info and isinstance(record.exc_info[1], PermissionDenied | SuspiciousOperation | Http404):
            record.exc_info = None
            record.exc_text = None
        return True


def _clean_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Clean each text by itself: in JSON, an escaped line break would stick to the token after it."""
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
    """Formats every record, whoever wrote it. `as_json` chooses the form."""

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
        """The finished line, cleaned once more; without control characters, which texts of others may hold."""
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
            # Of refusals a line of ours says the same, with the address' pattern instead of the address.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            "urllib3": {"level": "WARNING"},
            # Of headers that cannot be read it would log what they hold.
            "urllib3.connection": {"level": "ERROR"},
            # Each task twice a tick would drown the rest.
            "celery": {"level": "WARNING"},
        },
    }
