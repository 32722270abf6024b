"""Sessions that know whose they are, and the permission to look after people."""

from importlib import import_module

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class Session(AbstractBaseSession):
    """A signed-in browser: so that people see where they are signed in, and can end it."""

    user_id = models.BigIntegerField(null=True, db_index=True)
    signed_in_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    address = models.GenericIPAddressField(null=True)
    device = models.CharField(max_length=60, blank=True)

    class Meta(AbstractBaseSession.Meta):
        default_permissions = ()

    @classmethod
    def get_session_store_class(cls) -> type:
        """The engine that keeps these."""
        engine: type = import_module(settings.SESSION_ENGINE).SessionStore
        return engine


class Person(User):
    """A user as this product looks after them."""

    class Meta:
        proxy = True
        default_permissions = ()
        permissions = (("manage_people", "Can manage people, their roles and their connections"),)
