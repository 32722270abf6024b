"""The lifecycle of personal access tokens, for the person who has signed in with Microsoft Entra.

https://learn.microsoft.com/rest/api/azure/devops/tokens/pats
"""

import base64
import binascii
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sandbox import scopes
from sandbox.http_messages import Answer, ErrorResponse, Request, argument_wrong, controller_headers, json_answer
from sandbox.ids import EPOCH, moment
from sandbox.people import Person, Token
from sandbox.state import GLOBAL_TOKENS_END

_LARGEST_PAGE = 100
_LONGEST_NAME = 255
# Without a date a token is made for this long.
_USUAL_LIFE = timedelta(days=30)
_NONE = "none"
_FILTERS = ("active", "revoked", "expired", "all")
_ORDERS = ("displayName", "displayDate", "status")


class Refused(Exception):
    """Why a token is not made, changed or found, as `patTokenError` has it."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


def find(request: Request, _names: dict[str, str]) -> Answer:
    """Read one token by its `authorizationId`, or list the person's tokens in pages."""
    if "authorizationId" not in request.query:
        return _listed(request)
    try:
        return _result(request, _own(request, request.query["authorizationId"]))
    except Refused as refused:
        return _refusal(request, refused)


def _listed(request: Request) -> Answer:
    wanted = request.choice("displayFilterOption", _FILTERS, "active")
    order = request.choice("sortByOption", _ORDERS, "displayDate")
    tokens = [token for token in _of_person(request) if wanted in ("all", status(token, request.now))]
    ascending = request.query.get("isSortAscending", "true").lower() != "false"
    tokens.sort(key=lambda token: (_sort_key(token, order, request.now), token.authorization_id), reverse=not ascending)
    filters = f"{wanted}/{order}/{ascending}"
    start = _start(request, filters)
    top = min(max(request.number("$top", _LARGEST_PAGE), 1), _LARGEST_PAGE)
    page = tokens[start : start + top]
    more = _continuation(filters, start + top) if start + top < len(tokens) else ""
    shown = [_token_json(request, token) for token in page]
    return json_answer(request, {"continuationToken": more, "patTokens": shown})


def _sort_key(token: Token, order: str, now: datetime) -> str:
    if order == "displayName":
        return token.name.casefold()
    return instant_of_database(token.valid_to) if order == "displayDate" else status(token, now)


def _continuation(filters: str, start: int) -> str:
    return base64.b64encode(f"{filters}/{start}".encode()).decode()


def _start(request: Request, filters: str) -> int:
    """Where a page begins. The token of another list is not accepted. Raises `ErrorResponse`."""
    given = request.query.get("continuationToken", "")
    if not given:
        return 0
    try:
        kept, _, number = base64.b64decode(given, validate=True).decode().rpartition("/")
        if kept == filters:
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise ErrorResponse(argument_wrong(request, "The continuation token is not valid for these filters."))


def create(request: Request, _names: dict[str, str]) -> Answer:
    """Make a token. Its text is in this answer only."""
    try:
        policy = request.organization.token_policy
        if policy.restricts_creation:
            raise Refused("disablePatCreationPolicyViolation")
        fields = request.fields()
        made = Token(_new_text(), _name(fields), _person(request), request.organization.name, _scopes(request, fields))
        made.created_at = request.now
        made.expires_at = _valid_to(request, fields.get("validTo"), request.now)
        if fields.get("allOrgs") is True:
            _require_all_organizations(request)
            made.organization = None
    except Refused as refused:
        return _refusal(request, refused)
    request.state.tokens[made.secret] = made
    return _result(request, made, text=made.secret)


def update(request: Request, _names: dict[str, str]) -> Answer:
    """Change an active token, which keeps its text."""
    try:
        token = _own(request, str(request.fields().get("authorizationId", "")))
        changes = _changes(request, token)
    except Refused as refused:
        return _refusal(request, refused)
    for name, value in changes.items():
        setattr(token, name, value)
    return _result(request, token)


def _changes(request: Request, token: Token) -> dict[str, Any]:
    """What a request changes. Raises `Refused`."""
    fields, state = request.fields(), status(token, request.now)
    if state != "active":
        raise Refused("expiredPatCannotBeExtended" if state == "expired" else "invalidToken")
    changes: dict[str, Any] = {}
    if "displayName" in fields:
        changes["name"] = _name(fields)
    if "scope" in fields:
        changes["scopes"] = _scopes(request, fields)
    if "validTo" in fields:
        changes["expires_at"] = _valid_to(request, fields["validTo"], token.created_at or EPOCH)
    if fields.get("allOrgs") is True:
        _require_all_organizations(request)
        changes["organization"] = None
    return changes


def revoke(request: Request, _names: dict[str, str]) -> Answer:
    """Revoke a token. Parts of the service may accept it for a while."""
    policy = request.organization.token_policy
    try:
        token = _own(request, request.query.get("authorizationId", ""))
        if status(token, request.now) == "revoked":
            raise Refused("authorizationNotFound")
    except Refused as refused:
        return _refusal(request, refused)
    token.revoked_at = request.now
    token.refused_from = request.now + timedelta(seconds=policy.revoked_after)
    return Answer(policy.revoke_status, b"", controller_headers(request))


def status(token: Token, now: datetime) -> str:
    """Whether a token is active, revoked or expired, as lists have it."""
    if token.state == "revoked" or token.revoked_at is not None:
        return "revoked"
    return "expired" if token.has_expired(now) else "active"


def instant_of_database(when: datetime) -> str:
    """A time as the database keeps it, in steps of a three-hundredth of a second: `.319` is `.32`."""
    steps = round(when.microsecond * 300 / 1_000_000)
    second = when.replace(microsecond=0) + timedelta(seconds=steps // 300)
    fraction = f"{steps % 300 / 300:.7f}"[1:].rstrip("0").rstrip(".")
    return f"{second:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _person(request: Request) -> Person:
    """Who has signed in. The pipeline lets no one else in."""
    return request.person or Person("", "")


def _of_person(request: Request) -> Iterable[Token]:
    """The person's tokens that open this organization."""
    organization = request.organization
    opening = (organization.name, organization.tokens_of, "*", None)
    tokens, person_id = request.state.tokens.values(), _person(request).id
    return [token for token in tokens if token.person.id == person_id and token.organization in opening]


def _own(request: Request, authorization_id: str) -> Token:
    try:
        requested = str(uuid.UUID(authorization_id))
    except ValueError:
        raise Refused("invalidAuthorizationId") from None
    token = next((token for token in _of_person(request) if token.authorization_id == requested), None)
    if token is None:
        raise Refused("authorizationNotFound")
    return token


def _name(fields: dict[str, Any]) -> str:
    name = fields.get("displayName")
    if not name:
        raise Refused("displayNameRequired")
    if not isinstance(name, str) or len(name) > _LONGEST_NAME:
        raise Refused("invalidDisplayName")
    return name


def _scopes(request: Request, fields: dict[str, Any]) -> tuple[str, ...]:
    given = fields.get("scope")
    named = tuple(given.split()) if isinstance(given, str) else ()
    if not named or not set(named) <= scopes.GRANTABLE:
        raise Refused("invalidScope")
    if scopes.EVERYTHING in named and request.organization.token_policy.forbids_full_scope:
        raise Refused("fullScopePatPolicyViolation")
    return named


def _valid_to(request: Request, given: object, created_at: datetime) -> datetime:
    """The end of a token: what was asked, but not later than the policy of the organization allows."""
    policy = request.organization.token_policy
    asked = request.now + _USUAL_LIFE if given is None else moment(str(given))
    if asked is None or asked <= request.now:
        raise Refused("invalidValidTo")
    latest = created_at + timedelta(days=policy.longest_days)
    if asked > latest and policy.refuses_long_life:
        raise Refused("patLifespanPolicyViolation")
    return min(asked, latest)


def _require_all_organizations(request: Request) -> None:
    """Require that a token may be made for all organizations. Raises `Refused`."""
    if request.now >= GLOBAL_TOKENS_END:
        raise Refused("globalPATCreationBlocked")
    if request.organization.token_policy.forbids_global:
        raise Refused("globalPatPolicyViolation")


def _new_text() -> str:
    """A token in today's format of 84 characters."""
    letters = base64.b32encode(uuid.uuid4().bytes + uuid.uuid4().bytes + uuid.uuid4().bytes).decode()
    return f"{letters[:52]}JQQJ99CKACAAAAAAAAAAAAASAZDO{letters[52:56]}"


def _token_json(request: Request, token: Token, text: str | None = None) -> dict[str, Any]:
    organization = request.organization
    return {
        "displayName": token.name,
        "validTo": instant_of_database(token.valid_to),
        "scope": " ".join(token.scopes),
        "targetAccounts": None if token.organization is None else [organization.id],
        "validFrom": instant_of_database(token.created_at or EPOCH),
        "authorizationId": token.authorization_id,
        "token": text,
    }


def _result(request: Request, token: Token, text: str | None = None) -> Answer:
    return json_answer(request, {"patToken": _token_json(request, token, text), "patTokenError": _NONE})


def _refusal(request: Request, refused: Refused) -> Answer:
    return json_answer(request, {"patToken": None, "patTokenError": refused.error})
