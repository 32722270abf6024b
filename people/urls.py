"""URLs of people and accounts."""

from django.urls import path

from people.views import account, people

app_name = "people"
urlpatterns = [
    path("account/", account.account, name="account"),
    path("account/sign-out-elsewhere/", account.sign_out_elsewhere, name="sign-out-elsewhere"),
    path("account/address/", account.address, name="own-address"),
    path("people/", people.listing, name="list"),
    path("people/add/", people.add, name="add"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/role/", people.role, name="role"),
    path("people/<int:pk>/details/", people.details, name="details"),
    path("people/<int:pk>/standing/", people.standing, name="standing"),
    path("people/<int:pk>/password-link/", people.password_link, name="password-link"),
    path("people/<int:pk>/sign-out/", people.sign_out, name="sign-out"),
    path("people/<int:pk>/hand-over/", people.hand_over_owned, name="hand-over"),
]
