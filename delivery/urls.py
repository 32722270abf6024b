"""Addresses of repositories, builds and releases."""

from django.urls import path

from delivery.views import repositories, repository, writing

app_name = "delivery"
urlpatterns = [
    path("repositories/", repositories.listing, name="repositories"),
    path("repositories/<int:pk>/", repository.page, name="repository"),
    path("repositories/<int:pk>/files/", repository.files, name="files"),
    path("repositories/<int:pk>/commits/", repository.commits, name="commits"),
    path("repositories/<int:pk>/branches/", repository.branches, name="branches"),
    path("repositories/<int:pk>/branches/new/", writing.new_branch, name="new-branch"),
    path("repositories/<int:pk>/commit/", writing.commit, name="commit"),
    path("code-repositories/<int:pk>/repositories/new/", writing.new_repository, name="new-repository"),
    path("code-repositories/<int:pk>/refresh/", repositories.refresh, name="refresh"),
]
