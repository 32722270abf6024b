"""The app for people: sign-in, sessions and roles."""

from typing import Any

from django.apps import AppConfig, apps
from django.db import connection
from django.db.models.signals import post_migrate


def _sync_roles(sender: AppConfig, **migrated: Any) -> None:
    """Sync the roles after the last app has created its permissions, if every model of the code exists.

    While migrations are reversed, this would recreate permissions of models that don't exist at that point.
    """
    from people import roles

    # `flush` sends the signal without `apps`; the tables are then those of the code.
    state = migrated.get("apps", apps)
    if {model._meta.label for model in apps.get_models()} - {model._meta.label for model in state.get_models()}:
        return
    # Django sends the signal for apps with models only.
    if sender is [config for config in apps.get_app_configs() if config.models_module][-1]:
        roles.sync()


def _allow_names_of_entra() -> None:
    """Make Django's own admin and commands accept the same usernames as ours.

    Django has no setting for the validators of its field. Migrations don't see this change.
    """
    from django.contrib.auth.models import User
    from django.contrib.auth.validators import UnicodeUsernameValidator

    from people.input_rules import validate_username

    field = User._meta.get_field("username")
    others = [validator for validator in field.validators if not isinstance(validator, UnicodeUsernameValidator)]
    vars(field)["validators"] = [*others, validate_username]


def _second_factors_left_out() -> str:
    """Why second factors are not re-encrypted: their models are not there while they are turned off."""
    if "mfa_authenticator" not in connection.introspection.table_names():
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM mfa_authenticator")
        (count,) = cursor.fetchone()
    words = "second factors are stored, but turned off, so they still need the old keys. Run this with SECOND_FACTOR=1."
    return f"{count} {words}" if count else ""


class PeopleConfig(AppConfig):
    """People, their sessions and their roles."""

    name = "people"
    verbose_name = "People"

    def ready(self) -> None:
        """Connect signals, register event types, and sync the roles after each migration."""
        from history import event_types
        from people import events as events
        from people.event_types import KINDS, PEOPLE

        event_types.register(KINDS, subject="person", about=PEOPLE)
        if apps.is_installed("allauth.mfa"):
            from people.sign_in import second_factor_events as second_factor_events
        else:
            from connections.actions import reencrypt

            reencrypt.reasons_left_out.append(_second_factors_left_out)
        _allow_names_of_entra()
        post_migrate.connect(_sync_roles, dispatch_uid="people.roles")
