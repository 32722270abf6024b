"""The product's own tables in a database."""

from django.apps import apps

# No other application of Django has a table of this name.
DISTINCTIVE = "connections_storedtoken"
# Those of the optional ways to sign in. They remain, and refer to people, while these ways are turned off.
_OPTIONAL = {
    "account_emailaddress",
    "account_emailconfirmation",
    "mfa_authenticator",
    "socialaccount_socialaccount",
    "socialaccount_socialapp",
    "socialaccount_socialtoken",
}


def is_ours(table: str) -> bool:
    """By the prefix of the name, to include tables of a newer version, which would block its migrations."""
    return table in _OPTIONAL or table.startswith(
        ("django_", *(f"{config.label}_" for config in apps.get_app_configs()))
    )
