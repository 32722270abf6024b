"""Addresses of repositories, builds and releases."""

from django.urls import path

from delivery.views import release, releasing, repositories, repository, writing

app_name = "delivery"
_RELEASE = "releases/<int:pk>/<int:release_id>"
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
    path("releases/<int:pk>/pipelines/<int:definition_id>/", release.pipeline, name="release-pipeline"),
    path("releases/<int:pk>/pipelines/<int:definition_id>/new/", releasing.new_release, name="new-release"),
    path(f"{_RELEASE}/", release.page, name="release"),
    path(f"{_RELEASE}/stages/<int:environment_id>/deploy/", releasing.deploy, name="deploy-stage"),
    path(f"{_RELEASE}/stages/<int:environment_id>/cancel/", releasing.cancel, name="cancel-deployment"),
    path(f"{_RELEASE}/approvals/<int:approval_id>/approve/", releasing.approve, name="approve-deployment"),
    path(f"{_RELEASE}/approvals/<int:approval_id>/reject/", releasing.reject, name="reject-deployment"),
]
