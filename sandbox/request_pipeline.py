"""The order in which the service checks a request.

Organization, identity, policy, membership, scope, throttling, URL and version, body, look-up, permission. Injected
faults come before all of them; see `sandbox.fault_injection`. Unsupported parameters, and values that do not have the
type of their parameter, are refused after the version and before the body.
"""

import base64
import binascii
from functools import partial

from sandbox import error_responses, media_type, parameters, typed_values, versions
from sandbox.http_messages import Answer, ErrorResponse, Request, plain
from sandbox.people import AZURE_DEVOPS, AccessToken, Principal, Token
from sandbox.routes import MAP
from sandbox.routing import Found, Lost
from sandbox.scopes import opens
from sandbox.state import GLOBAL_TOKENS_END, State

_READING = ("GET", "HEAD", "OPTIONS")


def decide(state: State, request: Request) -> Answer:
    """The answer to a request, faults aside."""
    try:
        organization = state.organization(request.path[0]) if request.path else None
        if organization is None:
            raise ErrorResponse(error_responses.no_such_organization(request))
        request.organization, request.now, request.state = organization, state.now(), state
        if organization.stopped:
            raise ErrorResponse(error_responses.organization_stopped(request))
        return _enter(request, _admit(state, request))
    except ErrorResponse as refusal:
        return media_type.as_asked(request, None, refusal.answer)


def _admit(state: State, request: Request) -> Token | None:
    """The token that opens the organization; None for an anonymous client, if a project is public."""
    organization = request.organization
    token = token_of(state, request)
    if isinstance(token, AccessToken) and request.edition.hosted:
        return _admit_identity(request, token)
    if token is not None and token.has_expired(request.now):
        raise ErrorResponse(error_responses.expired(request))
    if token is not None and token.state == "not_materialized":
        raise ErrorResponse(error_responses.not_materialized(request, token.person))
    if token is None or not _fits(request, token):
        if organization.has_public_project and request.edition.hosted:
            return None
        raise ErrorResponse(error_responses.wrong_token(request))
    if organization.refuses_global_tokens and token.organization is None:
        raise ErrorResponse(error_responses.global_token(request))
    if organization.fenced:
        raise ErrorResponse(error_responses.fenced(request))
    if token.person.id not in organization.members:
        raise ErrorResponse(error_responses.not_a_member(request, token.person))
    request.person = token.person
    return token


def _admit_identity(request: Request, token: AccessToken) -> AccessToken:
    """Admit a person or a principal with an access token of Microsoft Entra. Raises `ErrorResponse`."""
    organization, owner = request.organization, token.person
    if token.state != "active" or token.has_expired(request.now) or token.audience != AZURE_DEVOPS:
        raise ErrorResponse(error_responses.wrong_token(request))
    if token.tenant != organization.tenant:
        raise ErrorResponse(error_responses.not_materialized(request, owner))
    if organization.fenced:
        raise ErrorResponse(error_responses.fenced(request))
    if not organization.knows(owner, request.now):
        if isinstance(owner, Principal):
            raise ErrorResponse(error_responses.principal_not_a_member(request, owner))
        raise ErrorResponse(error_responses.not_a_member(request, owner))
    if organization.licence_of(owner) == "none":
        raise ErrorResponse(error_responses.without_licence(request, owner))
    request.person = owner
    return token


def _fits(request: Request, token: Token) -> bool:
    organization = request.organization
    if token.is_refused(request.now) or isinstance(token, AccessToken):
        return False
    if token.organization is None:
        # If a policy forbids these tokens, its refusal takes precedence. On a server they are still accepted.
        return not request.edition.hosted or request.now < GLOBAL_TOKENS_END or organization.refuses_global_tokens
    return token.organization in (organization.name, organization.tokens_of, "*")


def token_of(state: State, request: Request) -> Token | None:
    """The token of a Basic header, whose username is ignored but whose colon is required.

    An access token of Microsoft Entra comes there, or in a Bearer header.
    """
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return state.access_tokens.get(text.strip())
    if kind.lower() != "basic":
        return None
    try:
        _user, colon, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (state.tokens.get(secret) or state.access_tokens.get(secret)) if colon else None


def _enter(request: Request, token: Token | None) -> Answer:
    match = MAP.find(request.method, request.path[1:])
    if token is None:
        _allow_anonymous(request, match)
    elif isinstance(match, Found) and match.route.people_only:
        _require_signed_in(request, token, match)
    elif isinstance(match, Found) and not opens(token.scopes, match.route.scopes):
        raise ErrorResponse(error_responses.scope_missing(request))
    if request.organization.throttled is not None:
        raise ErrorResponse(error_responses.throttled(request, request.organization.throttled))
    if isinstance(match, Lost):
        lost = (
            error_responses.wrong_method(request, match.allowed)
            if match.allowed
            else error_responses.no_controller(request)
        )
        raise ErrorResponse(lost)
    route = match.route
    if request.release_host not in (None, route.is_release) and not route.is_everywhere:
        raise ErrorResponse(error_responses.page_not_found(request))
    request.query = typed_values.read_query(parameters.operation_of(route).canonical(request.query), route)
    versions.agree(request, released=route.released)
    parameters.require_supported(request, route)
    typed_values.require_readable(request, route)
    request.read_body = partial(typed_values.read_body, route=route)
    route.bind(request)
    return media_type.as_asked(request, route, route.controller(request, match.names))


def _require_signed_in(request: Request, token: Token, match: Found) -> None:
    """Let only people in who have signed in with Microsoft Entra, with the scopes of the call."""
    if not isinstance(token, AccessToken):
        raise ErrorResponse(error_responses.not_for_tokens(request))
    if isinstance(token.person, Principal):
        raise ErrorResponse(error_responses.not_for_principals(request))
    if not opens(token.scopes, match.route.scopes):
        raise ErrorResponse(error_responses.scope_missing(request))


def _allow_anonymous(request: Request, match: Found | Lost) -> None:
    """Let an anonymous client read what is public, and nothing else."""
    closed = isinstance(match, Found) and not match.route.public
    if closed or request.method not in _READING:
        raise ErrorResponse(error_responses.wrong_token(request))


def outside(request: Request) -> Answer:
    """Answer requests outside of any organization."""
    if request.path[:1] == ["_signin"]:
        return error_responses.sign_in_page(request)
    return plain(request, 404, "The resource cannot be found.")
