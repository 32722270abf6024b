"""The issuer: what Microsoft Entra answers below its authority, per tenant."""

import socket
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qsl

from sandbox.entra import access_tokens, faults, graph, managed_identity, samples, sign_in, token_endpoint
from sandbox.entra.answers import json_answer
from sandbox.entra.authority import Authority
from sandbox.entra.directory import FEDERATION_AUDIENCE, Application, ClientSecret
from sandbox.entra.refusals import TokenRefused, refusal
from sandbox.entra.tokens import SignedToken, SigningKey, key_of_this_process
from sandbox.fault_answers import faulty_answer
from sandbox.fault_injection import ENTRA_KINDS, Behaviour, Fault, delay_and_fault
from sandbox.http_messages import Answer, Request
from sandbox.ids import stable_id
from sandbox.people import AZURE_DEVOPS
from sandbox.request_log import SeenRequest, remember, shown_query
from sandbox.state import Licence, State

_A_YEAR = 365 * 24 * 60 * 60
_SECRET_LIFETIME = timedelta(days=180)
Controller = Callable[["Issuer", Request, str], Answer]


class Issuer:
    """A simulated Microsoft Entra at `url`, with TLS by an authority of its own, whose certificate is in `ca_file`.

    `lifetime` is that of access tokens in seconds; None is a random one of 60 to 90 minutes. `folder` keeps
    certificates and their keys.
    """

    def __init__(self, state: State, folder: Path, opened: socket.socket, host: str, azure_devops_url: str) -> None:
        self.state = state
        self.directory = samples.sample_directory()
        for known in self.directory:
            self._date_secrets(known)
        self.behaviour = Behaviour(ENTRA_KINDS)
        self.requests: list[SeenRequest] = []
        self.codes: dict[str, sign_in.Code] = {}
        self.sign_in_url = samples.sign_in_page(azure_devops_url)
        self.lifetime: float | None = None
        self.socket = opened
        shown = f"[{host}]" if ":" in host else host
        self.url = f"https://{shown}:{opened.getsockname()[1]}"
        self.signing_key = SigningKey(stable_id("signing key"), key_of_this_process)
        self._authority = Authority(folder)
        self._workload_key = SigningKey("cluster", lambda: self._authority.key("workload"))
        self._keys: dict[str, Any] = {}
        samples.add_principals(state, self.directory)

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority, for clients to trust."""
        return self._authority.ca_file

    def server_context(self) -> ssl.SSLContext:
        """What is needed to speak TLS. Made on request, because most runs never need it."""
        return self._authority.server_context()

    def certificate_file(self, name: str = "full") -> Path:
        """A certificate and its key in one file, with which the application can sign in."""
        path = self._authority.certificate_file(name)
        self.load_certificate(self.directory.named(name))
        return path

    def prepare(self) -> None:
        """Make the files that people and programs look for before they connect."""
        _ = self.ca_file
        self.certificate_file()
        self._authority.write_text("workload.jwt", self.workload_token(seconds=_A_YEAR))

    @property
    def arc_key(self) -> str:
        """What a process has to send to the agent of Azure Arc, which it reads from the file."""
        return stable_id("arc key")

    @property
    def arc_key_file(self) -> Path:
        """The file that the agent of Azure Arc names. Its real folder is `/var/opt/azcmagent/tokens`."""
        return self._authority.write_text("arc.key", self.arc_key)

    def load_certificate(self, application: Application) -> None:
        """Register the certificate that an earlier run has made for an application."""
        certificate = None if application.certificates else self._authority.certificate(application.name)
        if certificate is not None:
            application.certificates.append(certificate)

    def access_token(self, name: str = "full", *, resource: str = AZURE_DEVOPS) -> str:
        """An access token of an application, as the token endpoint would issue it."""
        return access_tokens.for_application(self, self.directory.named(name), resource).secret

    def persons_token(self, upn: str = "maya@example.com", *scopes: str) -> str:
        """An access token of a person for Azure DevOps, by default with the scopes for their personal access tokens."""
        application, granted = self.directory.named("sign-in"), scopes or ("vso.pats", "vso.pats_manage")
        return access_tokens.for_person(self, application, sign_in.PEOPLE[upn], granted).secret

    def create_application(self, name: str) -> Application:
        """Register an application with a secret in the tenant of the sample organizations.

        It is a member of none. Raises `ValueError` if the name is taken.
        """
        application = samples.new_application(name)
        self._date_secrets(application)
        self.directory.add(application)
        return application

    def _date_secrets(self, application: Application) -> None:
        """Let secrets expire as the portal suggests, unless they have a date."""
        now = self.state.now()
        for secret in application.secrets:
            secret.expires_at = secret.expires_at or now + _SECRET_LIFETIME
            secret.created_at = secret.created_at or min(now, secret.expires_at - _SECRET_LIFETIME)

    def add_secret(self, name: str) -> str:
        """Add a client secret to an application."""
        secrets = self.directory.named(name).secrets
        secrets.append(ClientSecret(samples.client_secret(f"{name}-{len(secrets) + 1}")))
        self._date_secrets(self.directory.named(name))
        return secrets[-1].value

    def expire_secrets(self, name: str) -> None:
        """Let all secrets of an application expire now."""
        for secret in self.directory.named(name).secrets:
            secret.expires_at = min(secret.expires_at or self.state.now(), self.state.now())

    def set_member(
        self, name: str, organization: str, *, licence: Licence = "basic", member: bool = True, after: float = 0.0
    ) -> None:
        """Add an application to an organization, change its licence, or remove it. Raises `KeyError`, `ValueError`.

        It is refused like one that is not a member for another `after` seconds.
        """
        principal, joined = self.directory.named(name).principal, self.state.organizations[organization.lower()]
        if licence not in get_args(Licence):
            raise ValueError(f"unknown licence; choose one of {', '.join(get_args(Licence))}")
        joined.licences[principal.id] = licence
        joined.members_from[principal.id] = self.state.now() + timedelta(seconds=after)
        if member:
            samples.add_to_organization(joined, principal)
        else:
            joined.members.discard(principal.id)

    def workload_token(self, name: str = "full", *, seconds: float = 3600, **claims: Any) -> str:
        """A token of another issuer, with which an application signs in (workload identity federation).

        `claims` replace the usual ones: `iss`, `sub`, `aud`, `iat`, `nbf`, `exp`.
        """
        now = self.state.now().timestamp()
        usual = {"iss": samples.WORKLOAD_ISSUER, "sub": samples.workload_subject(name), "aud": FEDERATION_AUDIENCE}
        times = {"iat": int(now), "nbf": int(now), "exp": int(now + seconds)}
        return self._workload_key.signed({**usual, **times, **claims})

    def trust(self, issuer: str, key: Any) -> None:
        """Accept tokens of another issuer, signed with the key that belongs to this public key."""
        self._keys[issuer] = key

    def key_of(self, token: SignedToken) -> Any:
        """The public key of the issuer that a token names; None if it is unknown."""
        if token.claims.get("iss") == samples.WORKLOAD_ISSUER:
            return self._workload_key.public_key()
        return self._keys.get(str(token.claims.get("iss")))

    def audiences(self, tenant: str) -> set[str]:
        """The audiences that an assertion may name."""
        here = f"{self.url}/{tenant}"
        return {f"{here}/oauth2/v2.0/token", f"{here}/oauth2/token", f"{here}/v2.0", here}

    def answers_here(self, path: list[str]) -> bool:
        """Whether a path at the address of Azure DevOps is answered by Microsoft Entra, without TLS."""
        return managed_identity.is_asked(path) or path[:1] == [samples.SIGN_IN_PATH]

    def serve(self, request: Request) -> tuple[Answer, float, Fault | None]:
        """The answer, by how many seconds it is delayed, and the fault that applies to it."""
        path, query = "/" + "/".join(request.path), shown_query(request.query)
        rules = self.behaviour.take("", request.method, path, query, self._client(request))
        delay, fault = delay_and_fault(rules)
        now = self.state.now()
        if fault is None:
            answer = self._answer(request)
        else:
            answer = faulty_answer(request, fault, self._answer, faults.answers(now))
        remember(self.requests, SeenRequest(request.method, path, query, answer.status, now))
        return answer, delay, fault

    def _client(self, request: Request) -> str:
        """The name of the application that a request is about, for the rules."""
        client_id = _fields(request).get("client_id", "")
        return next((application.name for application in self.directory if application.client_id == client_id), "")

    def _answer(self, request: Request) -> Answer:
        if managed_identity.is_asked(request.path):
            return managed_identity.answer(self, request)
        if graph.is_asked(request.path):
            return graph.answer(self, request)
        tenant, *rest = request.path[1:] if request.path[:1] == [samples.SIGN_IN_PATH] else request.path or [""]
        method, controller = _ROUTES.get("/".join(rest).lower(), ("", None))
        if controller is None:
            return Answer(404, b"", [("Cache-Control", "private")])
        if request.method != method:
            return Answer(405, b"", [("Allow", method)])
        try:
            self._require_tenant(tenant)
            return controller(self, request, tenant.lower())
        except TokenRefused as refused:
            return refusal(refused.code, self.state.now(), refused.presented)

    def _require_tenant(self, tenant: str) -> None:
        if len(tenant) != 36 and "." not in tenant:
            raise TokenRefused(900023, tenant=tenant)
        if not self.directory.has_tenant(tenant):
            raise TokenRefused(90002, tenant=tenant)


def _discovery(issuer: Issuer, _request: Request, tenant: str) -> Answer:
    here = f"{issuer.url}/{tenant}"
    return json_answer(
        {
            "issuer": f"{here}/v2.0",
            "authorization_endpoint": f"{issuer.sign_in_url}/{tenant}/oauth2/v2.0/authorize",
            "token_endpoint": f"{here}/oauth2/v2.0/token",
            "jwks_uri": f"{here}/discovery/v2.0/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "tenant_region_scope": "EU",
        }
    )


def _keys(issuer: Issuer, _request: Request, _tenant: str) -> Answer:
    return json_answer({"keys": [issuer.signing_key.public()]})


def _token(issuer: Issuer, request: Request, tenant: str) -> Answer:
    return json_answer(token_endpoint.granted(issuer, token_endpoint.Form(tenant, _fields(request))))


def _fields(request: Request) -> dict[str, str]:
    """The form that was sent."""
    return dict(parse_qsl(request.body.decode("utf-8", errors="replace"), keep_blank_values=True))


_ROUTES: dict[str, tuple[str, Controller | None]] = {
    "v2.0/.well-known/openid-configuration": ("GET", _discovery),
    ".well-known/openid-configuration": ("GET", _discovery),
    "discovery/v2.0/keys": ("GET", _keys),
    "oauth2/v2.0/token": ("POST", _token),
    "oauth2/v2.0/authorize": ("GET", sign_in.authorize),
}
