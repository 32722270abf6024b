"""Addresses of the pages about API tokens."""

from django.urls import path

from api import views

app_name = "api"
urlpatterns = [
    path("account/api-tokens/", views.tokens, name="tokens"),
    path("account/api-tokens/<int:pk>/revoke/", views.revoke, name="revoke-token"),
    path("help/api/", views.show_reference, name="reference"),
    path("help/api/openapi.json", views.openapi_document, name="document"),
    path("people/api-tokens/", views.all_tokens, name="all-tokens"),
]
