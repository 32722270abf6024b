"""URLs of the optional ways to sign in, with the names that allauth expects."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, path
from django.views.generic import RedirectView

urlpatterns: list[URLPattern] = [
    path("sign-in/begin/", login_not_required(RedirectView.as_view(pattern_name="login")), name="account_login"),
]
if settings.SECOND_FACTOR:
    from allauth.account.views import ReauthenticateView
    from allauth.mfa.base.views import AuthenticateView, IndexView
    from allauth.mfa.base.views import ReauthenticateView as CodeAgainView
    from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView as NewCodesView
    from allauth.mfa.recovery_codes.views import ViewRecoveryCodesView
    from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView

    urlpatterns += [
        path("sign-in/code/", AuthenticateView.as_view(), name="mfa_authenticate"),
        path("account/confirm/", ReauthenticateView.as_view(), name="account_reauthenticate"),
        path("account/confirm/code/", CodeAgainView.as_view(), name="mfa_reauthenticate"),
        path("account/second-factor/", IndexView.as_view(), name="mfa_index"),
        path("account/second-factor/add/", ActivateTOTPView.as_view(), name="mfa_activate_totp"),
        path("account/second-factor/remove/", DeactivateTOTPView.as_view(), name="mfa_deactivate_totp"),
        path("account/second-factor/codes/", ViewRecoveryCodesView.as_view(), name="mfa_view_recovery_codes"),
        path("account/second-factor/new-codes/", NewCodesView.as_view(), name="mfa_generate_recovery_codes"),
    ]
if settings.ENTRA:
    from people.sign_in import entra

    urlpatterns += [
        path("sign-in/<slug:provider_id>/", entra.begin, name="openid_connect_login"),
        path("sign-in/<slug:provider_id>/back/", entra.callback, name="openid_connect_callback"),
    ]
