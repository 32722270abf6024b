"""Microsoft Entra ID by OpenID Connect: every token's signature is verified, and only people with an account sign in.

A person is found by the object id that was linked; before that by their user principal name, which only administrators
of the tenant can set. The mail claim is never used, because people can choose their own.
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
from people.events import display_name, record_person_event, record_refused_sign_in

log = logging.getLogger(__name__)
_ALGORITHM = "RS256"
# The clocks of two machines always differ a little.
_CLOCK_SKEW_SECONDS = 60
_LONGEST_OBJECT_ID = 100


class EntraAdapter(OpenIDConnectOAuth2Adapter):
    """allauth's adapter, but it verifies the signature of every token.

    Any error in Microsoft's responses becomes `OAuth2Error`, for which allauth shows the page of a refused sign-in.
    """

    def get_client(self, *args: Any, **kwargs: Any) -> Any:
        """The client that requests the token, at the address that Microsoft publishes. Raises `OAuth2Error`."""
        with _untrusted_response():
            return super().get_client(*args, **kwargs)

    def get_access_token_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The response to the code, of which we use the id_token. Raises `OAuth2Error`."""
        with _untrusted_response():
            response: dict[str, Any] = super().get_access_token_data(*args, **kwargs)
            return {"access_token": str(response["access_token"]), "id_token": str(response["id_token"])}

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        with _untrusted_response():
            if jwt.get_unverified_header(id_token).get("alg") != _ALGORITHM:
                raise OAuth2Error("The token's signature has an unexpected algorithm")
            _, key = jwtkit.fetch_key(id_token, self.openid_config["jwks_uri"], _find_key)
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
def _untrusted_response() -> Iterator[None]:
    """Turn errors of PyJWT, and those of a response in an unexpected form, into `OAuth2Error`."""
    try:
        yield
    except (jwt.PyJWTError, LookupError, TypeError, ValueError, AttributeError) as error:
        log.warning("Microsoft Entra ID sent an unusable response: %s", type(error).__name__)
        raise OAuth2Error("The response is unusable") from error


def _find_key(published: Any, kid: Any) -> Any:
    """The published RSA key with this id, or None."""
    for key in published["keys"]:
        if kid and key.get("kid") == kid and key.get("kty") == "RSA":
            return jwt.PyJWK(key, algorithm=_ALGORITHM).key
    return None


def _used_claims(claims: Mapping[str, Any], issuer: str) -> dict[str, Any]:
    """The claims that we use and store. Raises `ValueError` for a token that does not identify its person.

    Tokens of a tenant always hold the tenant's id and the object id, which is a GUID.
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
    """Lets people with an account sign in with a token of Entra ID."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Never, because administrators add people."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Link a person whom an administrator has added; refuse anyone else."""
        if sociallogin.is_existing:
            return
        name = sociallogin.account.extra_data.get("id_token", {}).get("preferred_username", "")
        user = _unlinked_person(name)
        if user is None:
            record_refused_sign_in("", request, reason="entra")
            raise ImmediateHttpResponse(refused_page(request))
        sociallogin.connect(request, user)
        record_person_event("person.linked", user, by=Actor(display_name(user), user.pk, client_address(request)))

    def on_authentication_error(self, request: HttpRequest, *_args: Any, **_more: Any) -> None:
        """Show our own page instead of allauth's."""
        raise ImmediateHttpResponse(refused_page(request, failed=True))


def _unlinked_person(name: str) -> User | None:
    """The active person whose username is this user principal name and who is not linked yet.

    Not by mail address, because people can change their own here.
    """
    if not name:
        return None
    users = User.objects.filter(username__iexact=name, is_active=True)
    people = list(users.exclude(pk__in=SocialAccount.objects.values("user_id"))[:2])
    return people[0] if len(people) == 1 else None


def refused_page(request: HttpRequest, *, failed: bool = False) -> HttpResponse:
    """The page of a refused sign-in, the same for an unknown name and for an inactive person."""
    return render(request, "registration/entra_refused.html", {"failed": failed}, status=403)


@never_cache
@login_not_required
@require_safe
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """GET /sign-in/entra/: redirect to Microsoft's page."""
    try:
        with _untrusted_response():
            return _respond(OAuth2LoginView, request, provider_id)
    except OAuth2Error:
        return refused_page(request, failed=True)


@never_cache
@login_not_required
@require_safe
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """GET /sign-in/entra/back/: return from Microsoft's page with a code."""
    return _respond(OAuth2CallbackView, request, provider_id)


def _respond(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    if provider_id != settings.ENTRA_PROVIDER_ID:
        raise Http404
    try:
        return cast("HttpResponse", view.adapter_view(EntraAdapter(request, provider_id))(request))
    except (requests.RequestException, OAuth2Error) as error:
        # allauth handles these in the callback only, but the way there requests Microsoft's addresses, too.
        log.warning("Microsoft Entra ID cannot be reached: %s", type(error).__name__)
        return refused_page(request, failed=True)
