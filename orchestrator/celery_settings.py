"""Settings of Celery that no environment variable changes."""

from typing import Any

SETTINGS: dict[str, Any] = {
    # Other applications may use the same Redis.
    "CELERY_TASK_DEFAULT_QUEUE": "mfe-orchestrator",
    "CELERY_BROKER_TRANSPORT_OPTIONS": {
        "global_keyprefix": "mfe-orchestrator:",
        "visibility_timeout": 600,
        "unacked_restore_throttle": 1,
        "unacked_restore_interval": 10,
        # Pages must not wait for an unavailable broker.
        "socket_connect_timeout": 2,
        "socket_timeout": 3,
        "max_retries": 0,
    },
    "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
    # Reconnect without a limit, however long the broker is unavailable.
    "CELERY_BROKER_CONNECTION_MAX_RETRIES": None,
    "CELERY_TASK_ACKS_LATE": True,
    "CELERY_TASK_REJECT_ON_WORKER_LOST": True,
    "CELERY_TASK_IGNORE_RESULT": True,
    "CELERY_TASK_PUBLISH_RETRY": False,
    # Celery closes connections to the database after each task, or after so many tasks of all threads. Each thread has
    # its own, which `celery.py` closes when Django would.
    "CELERY_DB_REUSE_MAX": 2**62,
    "CELERY_WORKER_PREFETCH_MULTIPLIER": 1,
    "CELERY_WORKER_HIJACK_ROOT_LOGGER": False,
    "CELERY_WORKER_CONSUMER": "orchestrator.celery_overrides:WatchedConsumer",
    "CELERY_TIMEZONE": "UTC",
    "CELERY_BEAT_SCHEDULER": "orchestrator.beat_scheduler:BeatScheduler",
    # Tick at least this often, because each tick writes a heartbeat.
    "CELERY_BEAT_MAX_LOOP_INTERVAL": 15,
}
