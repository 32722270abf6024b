"""Access tokens, as the issuer issues them and Azure DevOps accepts them."""

import random
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sandbox.entra.directory import Application
from sandbox.entra.tokens import Claims
from sandbox.people import AZURE_DEVOPS, GRAPH, AccessToken, Person, Principal

if TYPE_CHECKING:
    from sandbox.entra.issuer import Issuer

# An application has permissions in Azure DevOps, and no scopes: this one opens every call.
_NO_LIMIT = ("app_token",)
APPLICATION_READ = "Application.Read.All"
_SHORTEST, _LONGEST = 60 * 60, 90 * 60


def for_application(issuer: "Issuer", application: Application, resource: str = AZURE_DEVOPS) -> AccessToken:
    """A new access token of an application itself."""
    principal = application.principal
    claims: Claims = {"aud": resource, "idtyp": "app", "appidacr": "2"}
    claims |= {"oid": principal.object_id, "sub": principal.object_id}
    if resource != GRAPH:
        return _issued(issuer, application, principal, _NO_LIMIT, claims)
    roles = (APPLICATION_READ,) if application.may_read_applications else ()
    return _issued(issuer, application, principal, roles, claims | ({"roles": list(roles)} if roles else {}))


def for_person(issuer: "Issuer", application: Application, person: Person, scopes: tuple[str, ...]) -> AccessToken:
    """A new access token of a person, for an application to which they granted these scopes of Azure DevOps."""
    who = {"oid": person.object_id, "upn": person.upn, "name": person.name}
    return _issued(issuer, application, person, scopes, {"aud": AZURE_DEVOPS, "scp": " ".join(scopes), **who})


def _issued(
    issuer: "Issuer", application: Application, owner: Person, scopes: tuple[str, ...], claims: Claims
) -> AccessToken:
    """A new access token with the usual claims and these, which Azure DevOps accepts from now on."""
    now, tenant = issuer.state.now(), application.tenant
    expires_at = now + timedelta(seconds=issuer.lifetime or random.uniform(_SHORTEST, _LONGEST))
    times = {"iat": int(now.timestamp()), "nbf": int(now.timestamp()), "exp": int(expires_at.timestamp())}
    usual = {"iss": f"https://sts.windows.net/{tenant}/", "tid": tenant, "ver": "1.0", "appid": application.client_id}
    text = issuer.signing_key.signed({**claims, **usual, **times, "uti": uuid.uuid4().hex})
    name = application.name if isinstance(owner, Principal) else owner.upn
    token = AccessToken(
        text, name, owner, "*", scopes, expires_at=expires_at, tenant=tenant, audience=str(claims["aud"])
    )
    issuer.state.access_tokens[text] = token
    return token


def lifetime(issuer: "Issuer", token: AccessToken) -> int:
    """How many seconds a token is valid, as answers say it: one less."""
    return int(token.seconds_left(issuer.state.now())) - 1


def token_body(issuer: "Issuer", token: AccessToken) -> dict[str, Any]:
    """The body of the answer with a token."""
    seconds = lifetime(issuer, token)
    return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token.secret}
