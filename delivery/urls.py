"""Addresses of repositories, builds and releases."""

from django.urls import path

from delivery.views import repositories

app_name = "delivery"
urlpatterns = [
    path("repositories/", repositories.listing, name="repositories"),
    path("code-repositories/<int:pk>/refresh/", repositories.refresh, name="refresh"),
]
