"""The app of people: signing in, sessions, roles."""

from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


def _sync_roles(sender: AppConfig, **migrated: Any) -> None:
    """After the last app has made its permissions, and only with every table that the code knows.

    While migrations are taken back, permissions of models that are not there would be made again under new names.
    """
    from people import roles

    # Without it, as `flush` sends this signal, the tables are those of the code.
    state = migrated.get("apps", apps)
    if {model._meta.label for model in apps.get_models()} - {model._meta.label for model in state.get_models()}:
        return
    # Django tells of no app without models.
    if sender is [config for config in apps.get_app_configs() if config.models_module][-1]:
        roles.sync()


def _allow_names_of_entra() -> None:
    """Let Django's own admin and commands take the names that ours take.

    The field is Django's, and it knows no setting for this. What a migration sees of the field stays as it is.
    """
    from django.contrib.auth.models import User
    from django.contrib.auth.validators import UnicodeUsernameValidator

    from people.input_rules import validate_username

    field = User._meta.get_field("username")
    others = [validator for validator in field.validators if not isinstance(validator, UnicodeUsernameValidator)]
    vars(field)["validators"] = [*others, validate_username]


class PeopleConfig(AppConfig):
    """People and what they may do."""

    name = "people"
    verbose_name = "People"

    def ready(self) -> None:
        """Listen to Django's signals, word our events, and keep the roles in step with their table."""
        from history import event_types
        from people import events as events
        from people.event_types import KINDS, PEOPLE

        event_types.register(KINDS, subject="person", about=PEOPLE)
        if apps.is_installed("allauth.mfa"):
            from people.sign_in import second_factor_events as second_factor_events
        _allow_names_of_entra()
        post_migrate.connect(_sync_roles, dispatch_uid="people.roles")
