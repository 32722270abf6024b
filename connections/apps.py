"""The app of connections and their tokens."""

from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    """Code Repositories: connections to organizations."""

    name = "connections"
    verbose_name = "Code Repositories"

    def ready(self) -> None:
        """Tell the history how to word our events, and actions how a question about a leaked token is enqueued."""
        from connections.actions import leak_questions
        from connections.event_types import CHANNELS, CONNECTIONS, KINDS
        from connections.models import RegisterEntry, RegisterImport
        from connections.register_event_types import IMPORTS, REGISTER, REGISTER_KINDS
        from history import event_types

        event_types.register(KINDS, subject="connection", about=CONNECTIONS)
        event_types.register({}, subject="channel", about=CHANNELS)
        event_types.register(REGISTER_KINDS, subject=RegisterEntry.subject_kind, about=REGISTER)
        event_types.register({}, subject=RegisterImport.subject_kind, about=IMPORTS)
        leak_questions.register(_enqueue_next_ask)


def _enqueue_next_ask(leak_id: int) -> None:
    # Celery takes long to import.
    from connections.tasks import enqueue_next_ask

    enqueue_next_ask(leak_id)
