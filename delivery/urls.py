"""Addresses of repositories, builds and releases."""

from django.urls import path

from delivery.views import repositories, repository

app_name = "delivery"
urlpatterns = [
    path("repositories/", repositories.listing, name="repositories"),
    path("repositories/<int:pk>/", repository.page, name="repository"),
    path("repositories/<int:pk>/files/", repository.files, name="files"),
    path("repositories/<int:pk>/commits/", repository.commits, name="commits"),
    path("repositories/<int:pk>/branches/", repository.branches, name="branches"),
    path("code-repositories/<int:pk>/refresh/", repositories.refresh, name="refresh"),
]
