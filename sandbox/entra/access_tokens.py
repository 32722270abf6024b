"""Access tokens, as the issuer gives them out and Azure DevOps accepts them."""

import random
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sandbox.entra.directory import Application
from sandbox.people import AZURE_DEVOPS, AccessToken, Person

if TYPE_CHECKING:
    from sandbox.entra.issuer import Issuer

# An application has permissions in Azure DevOps, and no scopes: this one opens every call.
_NO_LIMIT = ("app_token",)
_SHORTEST, _LONGEST = 60 * 60, 90 * 60


def for_application(issuer: "Issuer", application: Application, resource: str = AZURE_DEVOPS) -> AccessToken:
    """A new access token of an application itself."""
    object_id = application.principal.object_id
    claims = {"idtyp": "app", "appidacr": "2", "oid": object_id, "sub": object_id}
    return _issued(issuer, application, application.principal, (application.name, resource), _NO_LIMIT, claims)


def for_person(issuer: "Issuer", application: Application, person: Person, scopes: tuple[str, ...]) -> AccessToken:
    """A new access token of a person, for an application to whom they gave these scopes of Azure DevOps."""
    claims = {"scp": " ".join(scopes), "oid": person.object_id, "upn": person.upn, "name": person.name}
    return _issued(issuer, application, person, (person.upn, AZURE_DEVOPS), scopes, claims)


def _issued(
    issuer: "Issuer",
    application: Application,
    owner: Person,
    name_and_resource: tuple[str, str],
    scopes: tuple[str, ...],
    claims: dict[str, Any],
) -> AccessToken:
    name, resource = name_and_resource
    now = issuer.state.now()
    ends_at = now + timedelta(seconds=issuer.lifetime or random.uniform(_SHORTEST, _LONGEST))
    text = issuer.signing_key.signed(
        {
            "aud": resource,
            "iss": f"https://sts.windows.net/{application.tenant}/",
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int(ends_at.timestamp()),
            "appid": application.client_id,
            "tid": application.tenant,
            "uti": uuid.uuid4().hex,
            "ver": "1.0",
            **claims,
        }
    )
    token = AccessToken(
        text, name, owner, "*", scopes, expires_at=ends_at, tenant=application.tenant, audience=resource
    )
    issuer.state.access_tokens[text] = token
    return token
