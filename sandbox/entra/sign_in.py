"""The sign-in of people: the authorization code flow with PKCE.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow

The page lets its reader sign in as any of the sample people. It asks for no password and no other secret.
"""

import hashlib
import html
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from sandbox.entra import access_tokens
from sandbox.entra.directory import Application
from sandbox.entra.refusals import TokenRefused, described
from sandbox.entra.tokens import encoded
from sandbox.http_messages import Answer, Request
from sandbox.ids import stable_id
from sandbox.people import AZURE_DEVOPS, Person
from sandbox.sample_code import GUEST, LONER, MAYA, NOOR, STRANGER

if TYPE_CHECKING:
    from sandbox.entra.issuer import Issuer
    from sandbox.entra.token_endpoint import Form

PEOPLE = {person.upn: person for person in (MAYA, NOOR, GUEST, LONER, STRANGER)}
_CODE_LIFE = timedelta(minutes=10)
_OPEN_ID = frozenset({"openid", "profile", "email", "offline_access"})
_HTML = "text/html; charset=utf-8"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass
class Code:
    """An authorization code. It can be used once."""

    client_id: str
    person: Person
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str
    nonce: str
    expires_at: datetime
    is_used: bool = False


def authorize(issuer: "Issuer", request: Request, tenant: str) -> Answer:
    """The page on which people choose who they are, and what follows when they have."""
    asked = request.query
    try:
        application = _application(issuer, tenant, asked)
    except TokenRefused as refused:
        return _page(400, "Sign in", f"<p>{html.escape(described(refused.code, refused.presented))}</p>")
    scopes = tuple(asked.get("scope", "").split())
    if asked.get("response_type") != "code" or not _is_in_order(scopes):
        return _back(asked, {"error": "invalid_scope", "error_description": described(70011, {})})
    if "decline" in asked:
        refusal = {"error": "access_denied", "error_subcode": "cancel", "error_description": described(65004, {})}
        return _back(asked, refusal)
    person = PEOPLE.get(asked.get("person", ""))
    if person is None:
        return _page(200, "Sign in", _form(request, application, scopes))
    granted = tuple(scope for scope in scopes if scope in _OPEN_ID or f"without-{_short(scope)}" not in asked)
    code = _new_code(issuer, application, person, granted, asked)
    return _back(asked, {"code": code, "session_state": stable_id("session", person.upn)})


def _new_code(
    issuer: "Issuer", application: Application, person: Person, granted: tuple[str, ...], asked: Mapping[str, str]
) -> str:
    """A code that can be redeemed once."""
    challenge, nonce = asked.get("code_challenge", ""), asked.get("nonce", "")
    expires_at = issuer.state.now() + _CODE_LIFE
    text = secrets.token_urlsafe(32)
    issuer.codes[text] = Code(
        application.client_id, person, asked["redirect_uri"], granted, challenge, nonce, expires_at
    )
    return text


def _application(issuer: "Issuer", tenant: str, asked: Mapping[str, str]) -> Application:
    """The application that asks, at one of its own addresses. Raises `TokenRefused`."""
    client, redirect = asked.get("client_id", ""), asked.get("redirect_uri", "")
    application = issuer.directory.application(tenant, client)
    if application is None:
        raise TokenRefused(700016, client=client, tenant=tenant)
    local = urlsplit(redirect).scheme in ("http", "https") and urlsplit(redirect).hostname in _LOOPBACK
    if redirect not in application.redirects and not (local and not application.redirects):
        raise TokenRefused(50011, redirect=redirect, client=client)
    return application


def _is_in_order(scopes: tuple[str, ...]) -> bool:
    """Whether scopes are those of OpenID, or of Azure DevOps by name: `.default` cannot stand beside them."""
    named = [scope for scope in scopes if scope not in _OPEN_ID]
    return bool(named) and all(scope.startswith(f"{AZURE_DEVOPS}/vso.") for scope in named)


def _short(scope: str) -> str:
    return scope.rpartition("/")[2]


def _form(request: Request, application: Application, scopes: tuple[str, ...]) -> str:
    """Buttons for people, boxes for scopes that are not granted, and a button to decline."""
    kept = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in request.query.items()
    )
    people = "".join(
        f'<p><button name="person" value="{upn}">{html.escape(person.name)} ({upn})</button></p>'
        for upn, person in PEOPLE.items()
    )
    boxes = "".join(
        f'<p><label><input type="checkbox" name="without-{html.escape(_short(scope))}" value="1"> without '
        f"{html.escape(_short(scope))}</label></p>"
        for scope in scopes
        if scope not in _OPEN_ID
    )
    name = html.escape(application.display_name)
    decline = '<p><button name="decline" value="1">Decline</button></p>'
    return f"<p>{name} wants to act for you. Who are you?</p><form>{kept}{people}{boxes}{decline}</form>"


def _page(status: int, title: str, body: str) -> Answer:
    page = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<link rel="icon" href="data:,"><title>{title}</title></head>'
        f"<body><h1>{title}</h1>{body}</body></html>"
    )
    return Answer(status, page.encode(), [("Content-Type", _HTML), ("Cache-Control", "no-store")])


def _back(asked: Mapping[str, str], parameters: dict[str, str]) -> Answer:
    """Back to the application, with its own state."""
    parameters = {**parameters, **({"state": asked["state"]} if "state" in asked else {})}
    redirect = asked.get("redirect_uri", "")
    if asked.get("response_mode") == "form_post":
        fields = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in parameters.items()
        )
        action = html.escape(redirect)
        return _page(200, "Working", f'<form method="post" action="{action}">{fields}<button>Continue</button></form>')
    separator = "&" if "?" in redirect else "?"
    return Answer(
        302, b"", [("Location", f"{redirect}{separator}{urlencode(parameters)}"), ("Cache-Control", "no-store")]
    )


def redeem(issuer: "Issuer", application: Application, form: "Form") -> dict[str, Any]:
    """The body of an answer with an access token for a person. Raises `TokenRefused`."""
    code = _redeemed(issuer, application, form)
    named = [scope for scope in code.scopes if scope not in _OPEN_ID]
    token = access_tokens.for_person(issuer, application, code.person, tuple(map(_short, named)))
    body = access_tokens.token_body(issuer, token) | {"scope": " ".join(named)}
    if "openid" in code.scopes:
        body["id_token"] = issuer.signing_key.signed(_claims(issuer, application, code))
    return body


def _redeemed(issuer: "Issuer", application: Application, form: "Form") -> Code:
    """The code that the form presents, which is used from now on. Raises `TokenRefused`."""
    code = issuer.codes.get(form.required("code"))
    if code is None or code.client_id != application.client_id or code.expires_at <= issuer.state.now():
        raise TokenRefused(70008)
    if code.is_used:
        raise TokenRefused(54005)
    if form.required("redirect_uri") != code.redirect_uri:
        raise TokenRefused(50011, redirect=form.fields["redirect_uri"], client=application.client_id)
    if code.challenge and _challenge(form.fields.get("code_verifier", "")) != code.challenge:
        raise TokenRefused(501481)
    code.is_used = True
    return code


def _challenge(verifier: str) -> str:
    return encoded(hashlib.sha256(verifier.encode()).digest())


def _claims(issuer: "Issuer", application: Application, code: Code) -> dict[str, Any]:
    """The claims of an ID token."""
    now = int(issuer.state.now().timestamp())
    return {
        "iss": f"{issuer.url}/{application.tenant}/v2.0",
        "aud": application.client_id,
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "sub": stable_id("subject", application.client_id, code.person.upn),
        "oid": code.person.object_id,
        "tid": application.tenant,
        "name": code.person.name,
        "preferred_username": code.person.upn,
        "nonce": code.nonce,
        "ver": "2.0",
    }
