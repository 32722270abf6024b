"""Addresses of repositories, builds and releases."""

from django.urls import path

from delivery.views import build, builds, release, releases, releasing, repositories, repository, writing

app_name = "delivery"
_RELEASE = "releases/<int:pk>/<int:release_id>"
urlpatterns = [
    path("repositories/", repositories.listing, name="repositories"),
    path("repositories/new/", writing.new_repository_somewhere, name="new-repository-somewhere"),
    path("repositories/<int:pk>/", repository.page, name="repository"),
    path("repositories/<int:pk>/files/", repository.files, name="files"),
    path("repositories/<int:pk>/commits/", repository.commits, name="commits"),
    path("repositories/<int:pk>/branches/", repository.branches, name="branches"),
    path("repositories/<int:pk>/branches/new/", writing.new_branch, name="new-branch"),
    path("repositories/<int:pk>/commit/", writing.commit, name="commit"),
    path("builds/", builds.listing, name="builds"),
    path("builds/<int:pk>/", builds.pipeline, name="pipeline"),
    path("builds/<int:pk>/run/", build.run, name="run-pipeline"),
    path("builds/<int:pk>/<int:build_id>/", build.page, name="build"),
    path("builds/<int:pk>/<int:build_id>/cancel/", build.cancel, name="cancel-build"),
    path("builds/<int:pk>/<int:build_id>/logs/<int:log_id>/", build.log, name="build-log"),
    path("code-repositories/<int:pk>/repositories/new/", writing.new_repository, name="new-repository"),
    path("code-repositories/<int:pk>/refresh/", repositories.refresh, name="refresh"),
    path("releases/", releases.listing, name="releases"),
    path("releases/<int:pk>/pipelines/<int:definition_id>/", release.pipeline, name="release-pipeline"),
    path("releases/<int:pk>/pipelines/<int:definition_id>/new/", releasing.new_release, name="new-release"),
    path(f"{_RELEASE}/", release.page, name="release"),
    path(f"{_RELEASE}/stages/<int:environment_id>/deploy/", releasing.deploy, name="deploy-stage"),
    path(f"{_RELEASE}/stages/<int:environment_id>/cancel/", releasing.cancel, name="cancel-deployment"),
    path(f"{_RELEASE}/approvals/<int:approval_id>/approve/", releasing.approve, name="approve-deployment"),
    path(f"{_RELEASE}/approvals/<int:approval_id>/reject/", releasing.reject, name="reject-deployment"),
]
