"""When the scheduler enqueues each task."""

from typing import Any

# `schedule` is in seconds, or a time of day in UTC, which `orchestrator.beat_scheduler` parses.
SCHEDULE: dict[str, dict[str, Any]] = {
    "audit-due": {"task": "connections.tasks.audit_due", "schedule": 15.0, "options": {"expires": 15.0}},
    "prove-leaks-due": {"task": "connections.tasks.prove_leaks_due", "schedule": 15.0, "options": {"expires": 15.0}},
    "prove-renewals-due": {
        "task": "connections.tasks.prove_renewals_due",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "remind-due": {"task": "connections.tasks.remind_due", "schedule": 300.0, "options": {"expires": 300.0}},
    "remind-of-register": {
        "task": "connections.tasks.remind_of_register",
        "schedule": 300.0,
        "options": {"expires": 300.0},
    },
    "import-register": {"task": "connections.tasks.import_register", "schedule": 60.0, "options": {"expires": 60.0}},
    "send-due": {"task": "connections.tasks.send_due", "schedule": 15.0, "options": {"expires": 15.0}},
    "deliver-due": {"task": "connections.tasks.deliver_due", "schedule": 15.0, "options": {"expires": 15.0}},
    "poll-due": {"task": "delivery.tasks.poll_due", "schedule": 5.0, "options": {"expires": 5.0}},
    "refresh-due": {"task": "delivery.tasks.refresh_due", "schedule": 15.0, "options": {"expires": 15.0}},
    "repair-clock-skew": {"task": "delivery.tasks.repair_clock_skew", "schedule": 300.0, "options": {"expires": 300.0}},
    "remove-expired-delivery-rows": {"task": "delivery.tasks.remove_expired_rows", "schedule": 3600.0},
    "remove-expired-rows": {"task": "connections.tasks.remove_expired_rows", "schedule": 300.0},
    "seal-history": {"task": "history.tasks.seal_waiting", "schedule": 60.0, "options": {"expires": 60.0}},
    "verify-history": {"task": "history.tasks.verify", "schedule": "3:20"},
    "forget-ended-sessions": {"task": "people.tasks.forget_ended_sessions", "schedule": 3600.0},
    "remove-expired-api-rows": {"task": "api.tasks.remove_expired_rows", "schedule": 3600.0},
    "remind-of-api-tokens": {"task": "api.tasks.remind_due", "schedule": 300.0, "options": {"expires": 300.0}},
    "forget-rested-counters": {"task": "throttling.tasks.forget_rested_counters", "schedule": 3600.0},
    "mail-history-anchor": {"task": "connections.tasks.mail_history_anchor", "schedule": "4:20"},
    "prune-history": {"task": "history.tasks.prune", "schedule": "3:50"},
}
