"""Authentication and permissions of operations."""

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from api.authentication import Caller, authenticate

VIEW = "connections.view_connection"


class Access(HttpBearer):
    """Requires a permission of both the API token and its owner.

    `shows` is the permission to read what the response contains, if `permission` allows something else.
    """

    def __init__(self, permission: str, *, all_connections: bool = False, shows: str = "") -> None:
        super().__init__()
        self.permission = permission
        self.all_connections = all_connections
        self.shows = shows

    @property
    def permissions(self) -> list[str]:
        """Every permission that the token needs."""
        return [self.permission, *([self.shows] if self.shows else [])]

    def __call__(self, request: HttpRequest) -> Caller:
        """The caller. Raises `NotAuthenticated`, `NotPermitted` and `TooMany`."""
        caller = authenticate(request, now=timezone.now())
        for permission in self.permissions:
            caller.require(permission)
        if self.all_connections:
            caller.require_all_connections()
        return caller

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        """Required by the base class, which `__call__` replaces."""
        return self(request)
