"""Access tokens, as the issuer gives them out and Azure DevOps accepts them."""

import random
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.entra.directory import Application
from sandbox.entra.tokens import Claims
from sandbox.people import AZURE_DEVOPS, AccessToken, Person

if TYPE_CHECKING:
    from sandbox.entra.issuer import Issuer

# An application has permissions in Azure DevOps, and no scopes: this one opens every call.
_NO_LIMIT = ("app_token",)
_SHORTEST, _LONGEST = 60 * 60, 90 * 60


def for_application(issuer: "Issuer", application: Application, resource: str = AZURE_DEVOPS) -> AccessToken:
    """A new access token of an application itself."""
    principal = application.principal
    claims = {"aud": resource, "idtyp": "app", "appidacr": "2", "oid": principal.object_id, "sub": principal.object_id}
    text, ends_at = _signed(issuer, application, claims)
    return _kept(issuer, AccessToken(text, application.name, principal, "*", _NO_LIMIT, expires_at=ends_at), claims)


def for_person(issuer: "Issuer", application: Application, person: Person, scopes: tuple[str, ...]) -> AccessToken:
    """A new access token of a person, for an application to whom they gave these scopes of Azure DevOps."""
    who = {"oid": person.object_id, "upn": person.upn, "name": person.name}
    claims = {"aud": AZURE_DEVOPS, "scp": " ".join(scopes), **who}
    text, ends_at = _signed(issuer, application, claims)
    return _kept(issuer, AccessToken(text, person.upn, person, "*", scopes, expires_at=ends_at), claims)


def _signed(issuer: "Issuer", application: Application, claims: Claims) -> tuple[str, datetime]:
    """The text of a token with these claims, and its end. The claims are completed."""
    now = issuer.state.now()
    ends_at = now + timedelta(seconds=issuer.lifetime or random.uniform(_SHORTEST, _LONGEST))
    claims |= {"iss": f"https://sts.windows.net/{application.tenant}/", "tid": application.tenant, "ver": "1.0"}
    claims |= {"iat": int(now.timestamp()), "nbf": int(now.timestamp()), "exp": int(ends_at.timestamp())}
    claims |= {"appid": application.client_id, "uti": uuid.uuid4().hex}
    return issuer.signing_key.signed(claims), ends_at


def _kept(issuer: "Issuer", token: AccessToken, claims: Claims) -> AccessToken:
    """Make a token known to Azure DevOps."""
    token.tenant, token.audience = claims["tid"], claims["aud"]
    issuer.state.access_tokens[token.secret] = token
    return token
