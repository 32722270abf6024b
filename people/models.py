"""Sessions with their user, and the permission to manage people."""

from importlib import import_module

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class Session(AbstractBaseSession):
    """A signed-in browser. The columns let people see where they are signed in, and sign out there."""

    user_id = models.BigIntegerField(null=True, db_index=True)
    signed_in_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    address = models.GenericIPAddressField(null=True)
    device = models.CharField(max_length=60, blank=True)

    class Meta(AbstractBaseSession.Meta):
        default_permissions = ()

    @classmethod
    def get_session_store_class(cls) -> type:
        """The session engine that uses this table."""
        engine: type = import_module(settings.SESSION_ENGINE).SessionStore
        return engine


class Person(User):
    """A proxy of Django's user, for the permission to manage people."""

    class Meta:
        proxy = True
        default_permissions = ()
        permissions = (("manage_people", "Can manage people, their roles and their connections"),)
