"""Microsoft Entra ID by OpenID Connect: the token's signature is always verified, and only known people come in.

A person is known by the object id that was linked, and the first time by their user principal name, which within one
tenant only its administrators can give. The mail claim is never looked at: people can choose theirs.
https://learn.microsoft.com/en-us/entra/identity-platform/id-token-claims-reference
"""

from typing import Any, cast

import jwt
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from history.address import client_address
from history.record import Actor
from orchestrator.sign_in_settings import ENTRA
from people.events import refuse, shown_name, tell

_ALGORITHM = "RS256"


class EntraAdapter(OpenIDConnectOAuth2Adapter):
    """As allauth has it, but trusts no token whose signature was not verified, wherever it came from."""

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        try:
            if jwt.get_unverified_header(id_token).get("alg") != _ALGORITHM:
                raise OAuth2Error("The token is signed in an unexpected way")
        except jwt.PyJWTError as wrong:
            raise OAuth2Error("Invalid id_token") from wrong
        claims: dict[str, Any] = jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=self.openid_config["jwks_uri"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )
        return claims


class EntraAccountAdapter(DefaultSocialAccountAdapter):
    """Whom a token of Entra ID lets in."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Never: administrators add people."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Link somebody whom an administrator added; refuse everybody else."""
        if sociallogin.is_existing:
            return
        name = str(sociallogin.account.extra_data.get("id_token", {}).get("preferred_username") or "")
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
    return _answer(OAuth2LoginView, request, provider_id)


@never_cache
@login_not_required
@require_safe
def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """GET /sign-in/entra/back/: from there, with a code."""
    return _answer(OAuth2CallbackView, request, provider_id)


def _answer(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    if provider_id != ENTRA:
        raise Http404
    return cast("HttpResponse", view.adapter_view(EntraAdapter(request, provider_id))(request))
