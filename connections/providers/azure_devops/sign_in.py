"""The sign-in of a person at Microsoft Entra, to manage their own personal access tokens in one request.

The authorization code flow with PKCE. There is no refresh token, and the access token is never stored.
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

import hashlib
from collections.abc import MutableMapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.entra_issuer import SCOPE, Issuer, issued
from connections.providers.azure_devops.entra_refusals import number_in, refusal_of
from connections.providers.azure_devops.responses import Response
from connections.providers.azure_devops.sign_in_errors import (
    BY_NUMBER,
    BY_WORD,
    SignInRefused,
    SignInScopesMissing,
)
from connections.providers.azure_devops.text import base64url
from connections.providers.credential import Signer
from core.secrets import Secret

# What the lifecycle of personal access tokens needs, and nothing else.
PERMISSIONS = ("vso.pats", "vso.pats_manage")
_RESOURCE = SCOPE.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Registration:
    """The application that is registered for renewing tokens. It can do nothing without a person who signs in."""

    tenant: str
    client: str
    secret: Secret


class PersonsToken(Signer):
    """Signs with the access token of a person who has just signed in."""

    __slots__ = ("_token",)

    def __init__(self, token: Secret) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "<PersonsToken>"

    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Bearer authentication."""
        headers["Authorization"] = f"Bearer {self._token.reveal()}"

    def secrets(self) -> tuple[str, ...]:
        """The access token."""
        return (self._token.reveal(),)


@dataclass(frozen=True, slots=True)
class SignIn:
    """Where people sign in for a server. `page` is the address of the authority for browsers."""

    registration: Registration
    issuer: Issuer
    page: str
    redirect: str

    def address(self, *, state: str, verifier: Secret, account: str) -> str:
        """The page on which the person signs in. `account` is that of the token's owner, empty if it is unknown."""
        who = {"login_hint": account} if "@" in account else {"prompt": "select_account"}
        asked = {
            "client_id": self.registration.client,
            "response_type": "code",
            "response_mode": "query",
            "redirect_uri": self.redirect,
            "scope": " ".join(f"{_RESOURCE}/{permission}" for permission in PERMISSIONS),
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            **who,
        }
        return f"{self.page}/{quote(self.registration.tenant, safe='')}/oauth2/v2.0/authorize?{urlencode(asked)}"

    def redeem(self, code: Secret, verifier: Secret) -> PersonsToken:
        """Exchange an authorization code for the person's access token. Raises `AzureDevOpsError`."""
        fields = {
            "client_id": self.registration.client,
            "client_secret": self.registration.secret.reveal(),
            "grant_type": "authorization_code",
            "code": code.reveal(),
            "redirect_uri": self.redirect,
            "code_verifier": verifier.reveal(),
        }
        answer = self.issuer.ask(self.registration.tenant, fields)
        token = issued(answer)
        if token is None:
            raise _about_sign_in(refusal_of(answer))
        _require_permissions(answer)
        return PersonsToken(token[0])


def _challenge(verifier: Secret) -> str:
    return base64url(hashlib.sha256(verifier.reveal().encode()).digest())


def _require_permissions(answer: Response) -> None:
    named = str(answer.json_object().get("scope", "")).split()
    if not set(PERMISSIONS) <= {name.rpartition("/")[2].lower() for name in named}:
        raise SignInScopesMissing(host=answer.host)


def _about_sign_in(error: errors.AzureDevOpsError) -> errors.AzureDevOpsError:
    """The same refusal, as one of a person instead of an application."""
    if not isinstance(error, errors.EntraRefused):
        return error
    kind = _kind("", number_in(error.support))
    return kind(detail=error.detail, status=error.status, activity_id=error.activity_id, support=error.support)


def refused_by_page(word: str, description: str) -> SignInRefused:
    """Why the sign-in page sent the person back without a code. Of the description only the number is kept."""
    number = number_in(description)
    return _kind(word, number)(support=f"AADSTS{number}" if number else "")


def _kind(word: str, number: int) -> type[SignInRefused]:
    return BY_NUMBER.get(number) or BY_WORD.get(word, SignInRefused)
