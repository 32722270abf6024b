"""Microsoft Entra ID by OpenID Connect: the token's signature is always verified, and only known people come in.

A person is known by the object id that was linked, and the first time by their user principal name, which within one
tenant only its administrators can give. The mail claim is never looked at: people can choose theirs.
https://learn.microsoft.com/en-us/entra/identity-platform/id-token-claims-reference
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import jwt
import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.client_ip import client_address
from core.storable_text import storable_text
from history.record import Actor
from people.events import refuse, shown_name, tell

log = logging.getLogger(__name__)
_ALGORITHM = "RS256"
# Two machines never have quite the same time.
_CLOCK_SKEW_SECONDS = 60
_LONGEST_OBJECT_ID = 100


class EntraAdapter(OpenIDConnectOAuth2Adapter):
    """As allauth has it, but trusts no token whose signature was not verified, wherever it came from.

    Whatever is wrong with an answer of Microsoft's becomes `OAuth2Error`, for which allauth shows the refusal page.
    """

    def get_client(self, *given: Any, **more: Any) -> Any:
        """What asks for the token, at the address that Microsoft publishes. Raises `OAuth2Error`."""
        with _untrusted_answer():
            return super().get_client(*given, **more)

    def get_access_token_data(self, *given: Any, **more: Any) -> dict[str, Any]:
        """The answer to the code, whose id_token alone is used. Raises `OAuth2Error`."""
        with _untrusted_answer():
            answer: dict[str, Any] = super().get_access_token_data(*given, **more)
            return {"access_token": str(answer["access_token"]), "id_token": str(answer["id_token"])}

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        with _untrusted_answer():
            if jwt.get_unverified_header(id_token).get("alg") != _ALGORITHM:
                raise OAuth2Error("The token is signed in an unexpected way")
            _, key = jwtkit.fetch_key(id_token, self.openid_config["jwks_uri"], _key_named)
            issuer = self.openid_config["issuer"]
            claims = jwt.decode(
                id_token,
                key=key,
                algorithms=[_ALGORITHM],
                audience=app.client_id,
                issuer=issuer,
                leeway=_CLOCK_SKEW_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )
            jwtkit.verify_jti(claims)
            return _used_claims(claims, issuer)


@contextmanager
def _untrusted_answer() -> Iterator[None]:
    """Raise `OAuth2Error` for what PyJWT refuses, and for an answer that has not the form that it should have."""
    try:
        yield
    except (jwt.PyJWTError, LookupError, TypeError, ValueError, AttributeError) as wrong:
        log.warning("An answer of Microsoft Entra ID cannot be used: %s", type(wrong).__name__)
        raise OAuth2Error("The answer cannot be used") from wrong


def _key_named(published: Any, kid: Any) -> Any:
    """The published RSA key of this name; None when there is none."""
    for key in published["keys"]:
        if kid and key.get("kid") == kid and key.get("kty") == "RSA":
            return jwt.PyJWK(key, algorithm=_ALGORITHM).key
    return None


def _used_claims(claims: Mapping[str, Any], issuer: str) -> dict[str, Any]:
    """What is used and kept of a token. Raises `ValueError` when it does not say whose it is.

    Tokens of a tenant always name it and the object id, which is a GUID.
    https://learn.microsoft.com/en-us/entra/identity-platform/id-token-claims-reference
    """
    oid, tenant = claims.get("oid"), claims.get("tid")
    if not isinstance(oid, str) or not 0 < len(oid) <= _LONGEST_OBJECT_ID or not oid.isprintable() or " " in oid:
        raise ValueError("no object id")
    if not isinstance(tenant, str) or not tenant or tenant.lower() not in issuer.lower().split("/"):
        raise ValueError("no tenant, or another one")
    name = claims.get("preferred_username")
    used = {"oid": oid, "tid": tenant, "sub": claims.get("sub"), "preferred_username": name}
    return {claim: storable_text(value) for claim, value in used.items() if isinstance(value, str)}


class EntraAccountAdapter(DefaultSocialAccountAdapter):
    """Whom a token of Entra ID lets in."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Never: administrators add people."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Link somebody whom an administrator added; refuse everybody else."""
        if sociallogin.is_existing:
            return
        name = sociallogin.account.extra_data.get("id_token", {}).get("preferred_username", "")
        user = _known(name)
        if user is None:
            refuse("", request, reason="entra")
            raise ImmediateHttpResponse(refused_page(request))
        sociallogin.connect(request, user)
        tell("person.linked", user, by=Actor(shown_name(user), user.pk, client_address(request)))

    def on_authentication_error(self, request: HttpRequest, *_args: Any, **_more: Any) -> None:
        """Our own page in place of allauth's."""
        raise ImmediateHttpResponse(refused_page(request, failed=True))


def _known(name: str) -> User | None:
    """The active person whose name here is this user principal name, and who is not linked yet.

    Not by mail address: people keep that of their own account.
    """
    if not name:
        return None
    found = User.objects.filter(username__iexact=name, is_active=True)
    people = list(found.exclude(pk__in=SocialAccount.objects.values("user_id"))[:2])
    return people[0] if len(people) == 1 else None


def refused_page(request: HttpRequest, *, failed: bool = False) -> HttpResponse:
    """Why nobody was signed in. The same words for a name that is unknown and a person who left."""
    return render(request, "registration/entra_refused.html", {"failed": failed}, status=403)


@never_cache
@login_not_required
@require_safe
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """GET /sign-in/entra/: to Microsoft's page."""
    try:
        with _untrusted_answer():
            return _answer(OAuth2LoginView, request, provider_id)
    except OAuth2Error:
        return refused_page(request, failed=True)


@never_cache
@login_not_required
@require_safe
def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """GET /sign-in/entra/back/: from there, with a code."""
    return _answer(OAuth2CallbackView, request, provider_id)


def _answer(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    if provider_id != settings.ENTRA_PROVIDER_ID:
        raise Http404
    try:
        return cast("HttpResponse", view.adapter_view(EntraAdapter(request, provider_id))(request))
    except (requests.RequestException, OAuth2Error) as away:
        # allauth meets these only where it comes back; the way there asks Microsoft for its addresses too.
        log.warning("Microsoft Entra ID cannot be asked: %s", type(away).__name__)
        return refused_page(request, failed=True)
