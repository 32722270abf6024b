"""Who calls the API: the API token of a request, and what its owner may still do."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest

from api.actions.manage_tokens import digest_of
from api.models import ApiToken
from api.token_text import is_token
from core.client_ip import client_address
from core.secrets import Secret
from history.record import NAME_LENGTH, Actor
from throttling import rate_limits
from throttling.rate_limits import Cost, Rate

# Noting each request would be one more write for each.
_NOTED_EVERY = timedelta(minutes=1)


class NotAuthenticated(Exception):
    """The request has no valid API token. `code` is a code of the catalogue."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NotPermitted(Exception):
    """The token is valid, but not permitted to do this. `code` is a code of the catalogue."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Caller:
    """A valid API token and its owner."""

    token: ApiToken
    owner: User

    def may(self, permission: str) -> bool:
        """Whether both the token and its owner have the permission."""
        return permission in self.token.permissions and self.owner.has_perm(permission)

    def require(self, permission: str) -> None:
        """Raise `NotPermitted` unless both the token and its owner have the permission."""
        if permission not in self.token.permissions:
            raise NotPermitted("not_permitted_by_token")
        if not self.owner.has_perm(permission):
            raise NotPermitted("not_permitted_by_role")

    def require_all_connections(self) -> None:
        """Raise `NotPermitted` for a token that is limited to connections."""
        if not self.token.all_connections:
            raise NotPermitted("limited_to_connections")


class ApiRequest(HttpRequest):
    """A request with its caller, and with the actor for the history."""

    caller: Caller
    actor: Actor


def authenticate(request: HttpRequest, *, now: datetime) -> Caller:
    """Authenticate the caller and store it on the request. Raises `NotAuthenticated` and `TooMany`."""
    token = _token_of(request.headers.get("Authorization", ""))
    _require_active(token, now=now)
    rate_limits.consume([_cost(token)], now=now)
    address = client_address(request)
    caller = Caller(token, token.owner)
    _note_use(token, address, now=now)
    # A cookie may have come along; whose it is does not matter here.
    noted = cast("ApiRequest", request)
    noted.user = token.owner
    noted.caller = caller
    noted.actor = Actor(_actor_name(token), token.owner.pk, address)
    return caller


def _token_of(authorization: str) -> ApiToken:
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise NotAuthenticated("api_token_missing")
    secret = Secret(text.strip())
    # What cannot be a token is not looked up.
    found = None
    if is_token(secret.reveal()):
        found = ApiToken.objects.select_related("owner").filter(digest=digest_of(secret)).first()
    if found is None:
        raise NotAuthenticated("api_token_unknown")
    return found


def _require_active(token: ApiToken, *, now: datetime) -> None:
    state = token.state_at(now)
    if state is not ApiToken.State.ACTIVE:
        raise NotAuthenticated(f"api_token_{state}")
    if not token.owner.is_active:
        raise NotAuthenticated("api_token_owner_inactive")


def _cost(token: ApiToken) -> Cost:
    rate = Rate("requests of an API token", settings.API_REQUESTS_PER_MINUTE, timedelta(minutes=1))
    return Cost(rate, (token.pk,))


def _note_use(token: ApiToken, address: str | None, *, now: datetime) -> None:
    long_ago = Q(last_used_at=None) | Q(last_used_at__lte=now - _NOTED_EVERY)
    if token.last_used_at is None or now - token.last_used_at >= _NOTED_EVERY:
        row = ApiToken.objects.filter(long_ago, pk=token.pk)
        row.update(last_used_at=now, last_used_address=address)


def _actor_name(token: ApiToken) -> str:
    """The person and the token's name, which the history keeps in one column."""
    with_token = f", API token “{token.name}”"
    person = token.owner.get_full_name() or token.owner.get_username()
    return f"{person[: NAME_LENGTH - len(with_token)]}{with_token}"
