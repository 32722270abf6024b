"""The app of connections and their tokens."""

from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    """Code Repositories: connections to organizations."""

    name = "connections"
    verbose_name = "Code Repositories"
