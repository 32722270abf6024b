"""URLs of the pages. `orchestrator/api_urls.py` adds the REST API."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from people.views import sign_in

# Only if one of the optional ways to sign in is enabled.
_OPTIONAL = [path("", include("people.sign_in.urls"))] if settings.ALLAUTH else []
urlpatterns = [
    *_OPTIONAL,
    path("", include("connections.urls")),
    path("", include("delivery.urls")),
    path("", include("history.urls")),
    path("", include("api.urls")),
    path("", include("people.urls")),
    path("sign-in/", sign_in.SignIn.as_view(), name="login"),
    path("sign-out/", auth.LogoutView.as_view(), name="logout"),
    path("password/", sign_in.ChangePassword.as_view(), name="password_change"),
    path("password/done/", auth.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("password/choose/<uidb64>/<token>/", sign_in.ChoosePassword.as_view(), name="choose-password"),
    # In place of the sign-in and password pages of Django's admin.
    path("admin/login/", sign_in.admin_sign_in, name="admin-sign-in"),
    path("admin/logout/", auth.LogoutView.as_view(), name="admin-sign-out"),
    path("admin/password_change/", sign_in.admin_password, name="admin-password"),
    path("admin/", admin.site.urls),
]

handler400 = "orchestrator.errors.bad_request"
handler403 = "orchestrator.errors.forbidden"
handler404 = "orchestrator.errors.not_found"
handler500 = "orchestrator.errors.server_error"
