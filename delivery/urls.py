"""Addresses of repositories, builds and releases."""

from django.urls import path

from delivery import search_views
from delivery.builds import build_list_views, build_views
from delivery.releases import release_action_views, release_list_views, release_views
from delivery.repositories import repository_change_views, repository_list_views, repository_views

app_name = "delivery"
_RELEASE = "releases/<int:pk>/<int:release_id>"
urlpatterns = [
    path("search/", search_views.search, name="search"),
    path("repositories/", repository_list_views.listing, name="repositories"),
    path("repositories/connection-names/", repository_list_views.suggest_connections, name="connection-names"),
    path("repositories/new/", repository_change_views.new_repository_somewhere, name="new-repository-somewhere"),
    path("repositories/<int:pk>/", repository_views.page, name="repository"),
    path("repositories/<int:pk>/files/", repository_views.files, name="files"),
    path("repositories/<int:pk>/commits/", repository_views.commits, name="commits"),
    path("repositories/<int:pk>/commits/<str:commit_id>/", repository_views.commit_page, name="commit-page"),
    path("repositories/<int:pk>/branches/", repository_views.branches, name="branches"),
    path("repositories/<int:pk>/branches/new/", repository_change_views.new_branch, name="new-branch"),
    path("repositories/<int:pk>/commit/", repository_change_views.commit, name="commit"),
    path("builds/", build_list_views.listing, name="builds"),
    path("builds/<int:pk>/", build_list_views.pipeline, name="pipeline"),
    path("builds/<int:pk>/run/", build_views.run, name="run-pipeline"),
    path("builds/<int:pk>/<int:build_id>/", build_views.page, name="build"),
    path("builds/<int:pk>/<int:build_id>/cancel/", build_views.cancel, name="cancel-build"),
    path("builds/<int:pk>/<int:build_id>/logs/<int:log_id>/", build_views.log, name="build-log"),
    path("builds/<int:pk>/<int:build_id>/logs/<int:log_id>/download/", build_views.download_log, name="download-log"),
    path("code-repositories/<int:pk>/repositories/new/", repository_change_views.new_repository, name="new-repository"),
    path("code-repositories/<int:pk>/refresh/", repository_list_views.refresh, name="refresh"),
    path("releases/", release_list_views.listing, name="releases"),
    path("releases/<int:pk>/pipelines/<int:definition_id>/", release_views.pipeline, name="release-pipeline"),
    path("releases/<int:pk>/pipelines/<int:definition_id>/new/", release_action_views.new_release, name="new-release"),
    path(f"{_RELEASE}/", release_views.page, name="release"),
    path(f"{_RELEASE}/stages/<int:environment_id>/deploy/", release_action_views.deploy, name="deploy-stage"),
    path(f"{_RELEASE}/stages/<int:environment_id>/cancel/", release_action_views.cancel, name="cancel-deployment"),
    path(f"{_RELEASE}/approvals/<int:approval_id>/approve/", release_action_views.approve, name="approve-deployment"),
    path(f"{_RELEASE}/approvals/<int:approval_id>/reject/", release_action_views.reject, name="reject-deployment"),
]
