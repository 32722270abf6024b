"""Which tables of a database are the product's own."""

from django.apps import apps

# No other application of Django has a table of this name.
DISTINCTIVE = "connections_storedtoken"


def is_ours(table: str) -> bool:
    """By the names that Django gives: also those of a later version, which would be in the way of its migration."""
    return table.startswith(("django_", *(f"{config.label}_" for config in apps.get_app_configs())))
