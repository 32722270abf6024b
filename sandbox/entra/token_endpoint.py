"""The token endpoint: the client credentials grant, and codes of people.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.entra import access_tokens, assertions, sign_in
from sandbox.entra.directory import Application
from sandbox.entra.refusals import TokenRefused
from sandbox.people import AZURE_DEVOPS, GRAPH

if TYPE_CHECKING:
    from sandbox.entra.issuer import Issuer

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
RESOURCES = (AZURE_DEVOPS, GRAPH)
_DEFAULT = "/.default"


@dataclass(frozen=True)
class Form:
    """A request to the token endpoint of a tenant."""

    tenant: str
    fields: Mapping[str, str] = field(repr=False)

    def required(self, name: str) -> str:
        """A field of the form. Raises `TokenRefused`."""
        value = self.fields.get(name, "")
        if not value:
            raise TokenRefused(900144, parameter=name)
        return value


def granted(issuer: "Issuer", form: Form) -> dict[str, Any]:
    """The body of an answer with an access token. Raises `TokenRefused`."""
    grant = form.required("grant_type")
    if grant not in ("client_credentials", "authorization_code"):
        raise TokenRefused(70003, parameter=grant)
    application = _authenticated(issuer, form)
    if grant == "authorization_code":
        return sign_in.redeem(issuer, application, form)
    return access_tokens.token_body(issuer, access_tokens.for_application(issuer, application, _resource(form)))


def _authenticated(issuer: "Issuer", form: Form) -> Application:
    """The application that proves with this request who it is. Raises `TokenRefused`."""
    client = form.required("client_id")
    application = issuer.directory.application(form.tenant, client)
    if application is None:
        raise TokenRefused(700016, client=client, tenant=form.tenant)
    if not application.is_enabled:
        raise TokenRefused(7000112, client=client, name=application.display_name)
    if "client_assertion" in form.fields:
        _check_assertion(issuer, application, form)
    elif "client_secret" in form.fields:
        _check_secret(issuer, application, form.fields["client_secret"])
    else:
        raise TokenRefused(7000218)
    return application


def _check_secret(issuer: "Issuer", application: Application, given: str) -> None:
    secret = next((secret for secret in application.secrets if secret.value == given), None)
    if secret is None:
        raise TokenRefused(7000215, client=application.client_id)
    if secret.has_expired(issuer.state.now()):
        raise TokenRefused(7000222, client=application.client_id)


def _check_assertion(issuer: "Issuer", application: Application, form: Form) -> None:
    if form.required("client_assertion_type") != ASSERTION_TYPE:
        raise TokenRefused(50027)
    token = assertions.read_assertion(form.fields["client_assertion"])
    now = issuer.state.now()
    if token.claims.get("iss") == application.client_id:
        issuer.load_certificate(application)
        assertions.verify_certificate(application, token, issuer.audiences(form.tenant), now)
    else:
        assertions.verify_federated(application, token, issuer.key_of(token), now)


def _resource(form: Form) -> str:
    """The resource whose `.default` is requested. Raises `TokenRefused`."""
    scopes = form.required("scope").split()
    if len(scopes) != 1 or not scopes[0].endswith(_DEFAULT):
        raise TokenRefused(70011)
    resource = scopes[0].removesuffix(_DEFAULT)
    if resource not in RESOURCES:
        raise TokenRefused(500011, resource=resource, tenant=form.tenant)
    return resource
