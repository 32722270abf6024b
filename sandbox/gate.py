"""In which order the service decides.

Organization, identity, policy, membership, scope, throttle, address and version, body, look-up, permission.
"""

import base64
import binascii
import re

from sandbox import refusals, routing
from sandbox.scopes import everything_in
from sandbox.wire import Answer, Request, error, plain
from sandbox.world import GLOBAL_TOKENS_END, Token, World

_VERSION = re.compile(r"(\d+\.\d+)(-preview(?:\.\d+)?)?\Z")
_NEWEST = (7, 2)
_SERVICES = "Microsoft.VisualStudio.Services.WebApi"


def decide(world: World, request: Request) -> Answer:
    """The answer to a request, faults aside."""
    organization = world.organization(request.path[0]) if request.path else None
    if organization is None:
        return refusals.no_such_organization(request)
    request.organization = organization
    if organization.stopped:
        return refusals.organization_stopped(request)
    token = token_of(world, request)
    refusal = _identity(world, request, token)
    if refusal is not None:
        return refusal
    return _enter(request, token if request.person is not None else None)


def _identity(world: World, request: Request, token: Token | None) -> Answer | None:
    """Who it is, or why not. Nobody may come in only where a project is public."""
    organization = request.organization
    if token is not None and token.state == "expired":
        return refusals.expired(request)
    if token is None or not _fits(world, token, organization.name):
        return None if organization.has_public_project else refusals.wrong_token(request)
    if organization.fenced:
        return refusals.fenced(request)
    if organization.refuses_global_tokens and token.organization is None:
        return refusals.global_token(request)
    if token.person.id not in organization.members:
        return refusals.not_a_member(request, token.person)
    request.person = token.person
    return None


def _fits(world: World, token: Token, organization: str) -> bool:
    if token.state != "active":
        return False
    if token.organization is None:
        return world.now() < GLOBAL_TOKENS_END
    return token.organization in (organization, "*")


def token_of(world: World, request: Request) -> Token | None:
    """The token of a Basic header with an empty user name. Anything else is not recognised."""
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        user, colon, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return world.tokens.get(secret) if colon and not user else None


def _enter(request: Request, token: Token | None) -> Answer:
    found = routing.find(request.method, request.path[1:])
    if found is None:
        return refusals.no_controller(request)
    route, names = found
    if token is not None and route.scopes and not everything_in(token.scopes) & set(route.scopes):
        return refusals.scope_missing(request)
    if token is None and (request.method not in ("GET", "OPTIONS")):
        return refusals.wrong_token(request)
    refusal = _version(request, preview=route.preview)
    if refusal is not None:
        return refusal
    try:
        request.json()
    except ValueError:
        return error(request, 400, "The request body is not JSON.", "VssPropertyValidationException", _SERVICES)
    return route.controller(request, names)


def _version(request: Request, *, preview: bool) -> Answer | None:
    asked = request.query.get("api-version") or _accepted(request.headers.get("accept", ""))
    if not asked:
        if request.method in ("GET", "OPTIONS"):
            return None
        text = (
            f'No api-version was supplied for the "{request.method}" request. The version must be supplied either '
            'as part of the Accept header (e.g. "application/json; api-version=1.0") or as a query parameter '
            '(e.g. "?api-version=1.0").'
        )
        return error(request, 400, text, "VssVersionNotSpecifiedException", _SERVICES)
    parts = _VERSION.fullmatch(asked)
    if parts is None:
        text = (
            f'Invalid api version string: "{asked}". Api version string must be in the format: '
            "{Major}.{Minor}[-preview[.{ResourceVersion}]]."
        )
        return error(request, 400, text, "VssInvalidApiVersionException", _SERVICES)
    if tuple(int(part) for part in parts[1].split(".")) > _NEWEST:
        text = (
            f"The requested REST API version of {parts[1]} is out of range for this server. "
            "The latest REST API version this server supports is 7.2."
        )
        return error(request, 400, text, "VssVersionOutOfRangeException", _SERVICES)
    if preview and parts[2] is None:
        text = (
            f'The requested version "{asked}" of the resource is under preview. The -preview flag must be supplied '
            f'in the api-version for such requests. For example: "{asked}-preview"'
        )
        return error(request, 400, text, "VssInvalidPreviewVersionException", _SERVICES)
    request.version = asked
    return None


def _accepted(accept: str) -> str:
    found = re.search(r"api-version=([^;,\s]+)", accept)
    return found[1] if found else ""


def outside(request: Request) -> Answer:
    """Addresses above the organizations."""
    if request.path and request.path[0] == "_signin":
        return refusals.sign_in_page(request)
    return plain(request, 404, "The resource cannot be found.")
