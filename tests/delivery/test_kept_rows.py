"""Rows of lists are rendered once for many requests; whatever one shows, it shows as it is now."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.humanize.templatetags import humanize
from django.db import models
from django.test import Client
from django.test.utils import override_script_prefix
from django.utils import timezone

from connections.models import Connection
from delivery import reads
from delivery.builds.pipeline_rows import PipelineRow, pipeline_rows
from delivery.models import Pipeline, Project, ReleasePipeline, Repository
from delivery.releases.release_pipeline_rows import ReleasePipelineRow, release_pipeline_rows
from delivery.same_things import page_of_each
from tests.factories import ConnectionFactory

LISTS: dict[type[models.Model], str] = {
    Repository: "/repositories/",
    Pipeline: "/builds/",
    ReleasePipeline: "/releases/",
}
LONG_AGO = datetime(2020, 2, 3, 10, 0, tzinfo=UTC)
OTHER = {"name": "Another name"}
CHANGES: list[tuple[type[models.Model], dict[str, Any], str]] = [
    (Repository, OTHER, ">Another name</a>"),
    (Repository, {"default_branch": "refs/heads/release"}, "<code>release</code>"),
    (Repository, {"default_branch": ""}, "Empty</span>"),
    (Repository, {"size": 5 * 1024}, "5.0\xa0KB"),
    (Repository, {"disabled": True}, "Disabled</span>"),
    (Pipeline, OTHER, ">Another name</a>"),
    (Pipeline, {"web_url": "https://azure.example/other"}, "https://azure.example/other"),
    (Pipeline, {"queue_status": "paused"}, "· paused"),
    (Pipeline, {"state": "failed"}, "Failed</span>"),
    (Pipeline, {"build_id": 78}, '/78/"'),
    (Pipeline, {"build_number": "2026.9"}, ">2026.9</a>"),
    (Pipeline, {"branch": "refs/heads/release"}, "<span>release</span>"),
    (Pipeline, {"requested_for": "Noor"}, "<span>Noor</span>"),
    (Pipeline, {"queued_at": LONG_AGO}, "3 Feb 2020"),
    (Pipeline, {"started_at": LONG_AGO, "finished_at": LONG_AGO + timedelta(minutes=7)}, "7 min"),
    (Pipeline, {"recent": [[5, "2026.5", "failed"]]}, "2026.5: Failed"),
    (ReleasePipeline, OTHER, ">Another name</a>"),
    (ReleasePipeline, {"web_url": "https://azure.example/other", "newest_id": None}, "https://azure.example/other"),
    (ReleasePipeline, {"newest_id": 78}, '/78/"'),
    (ReleasePipeline, {"newest_name": "Release-9"}, ">Release-9</a>"),
    (ReleasePipeline, {"newest_at": LONG_AGO}, "3 Feb 2020"),
    (ReleasePipeline, {"newest_by": "Noor"}, ">Noor</span>"),
    (ReleasePipeline, {"newest_version": "9.9"}, "9.9</span>"),
    (ReleasePipeline, {"newest_url": "https://azure.example/other"}, "https://azure.example/other"),
    (ReleasePipeline, {"newest_stages": [{"name": "Staging", "state": "queued"}]}, "Staging<span"),
    (ReleasePipeline, {"stages": [{"name": "Planned"}], "newest_id": None}, "Planned<span"),
    (ReleasePipeline, {"whole": "abandoned"}, "Abandoned</span>"),
    (ReleasePipeline, {"waiting": [{"who": "Noor", "since": LONG_AGO.isoformat()}]}, 'title="3 Feb 2020'),
    (ReleasePipeline, {"pending": 3}, "and 3 more"),
]


@pytest.fixture
def project(db: None) -> Project:
    """A project with a row in each list."""
    connection, now = ConnectionFactory.create(name="Acme main"), timezone.now()
    return _add(connection, now)


def _add(connection: Connection, now: datetime) -> Project:
    project = Project.objects.create(connection=connection, azure_id="p", name="Store", seen_at=now)
    Repository.objects.create(project=project, azure_id="1", name="api", default_branch="refs/heads/main", added_at=now)
    Pipeline.objects.create(project=project, azure_id=1, name="api", build_id=77, state="succeeded", seen_at=now)
    released = {"newest_id": 77, "newest_name": "Release-1", "whole": "succeeded"}
    ReleasePipeline.objects.create(project=project, azure_id=1, name="api", seen_at=now, **released)
    return project


def _rows(pages: Client, model: type[models.Model]) -> str:
    """The rows of a list, without what surrounds them."""
    page = pages.get(LISTS[model]).content.decode()
    return page[page.index("<tbody>") : page.index("</tbody>")]


@pytest.mark.parametrize(("model", "change", "shown"), CHANGES)
def test_a_row_shows_what_changed(
    pages: Client, project: Project, model: type[models.Model], change: dict[str, Any], shown: str
) -> None:
    assert shown not in _rows(pages, model)
    model._default_manager.update(**change)
    assert shown in _rows(pages, model)


@pytest.mark.parametrize("model", LISTS)
def test_a_row_shows_its_project_and_connection_as_they_are_now(
    pages: Client, project: Project, model: type[models.Model]
) -> None:
    assert "Acme main" in _rows(pages, model)
    Connection.objects.update(name="Acme second")
    Project.objects.update(name="Shop")
    rows = _rows(pages, model)
    assert "Acme main" not in rows
    assert ">Acme second</a>" in rows
    assert "Store" not in rows
    assert "Shop" in rows


@pytest.mark.parametrize("model", LISTS)
def test_a_row_shows_through_which_connections_it_is_seen_now(
    pages: Client, project: Project, model: type[models.Model]
) -> None:
    assert "via" not in _rows(pages, model)
    other = _add(ConnectionFactory.create(name="Another"), timezone.now())
    rows = _rows(pages, model)
    assert "via 2 connections" in rows
    assert ">Another</a>" in rows
    Connection.objects.filter(pk=other.connection_id).update(name="Renamed")
    assert ">Renamed</a>" in _rows(pages, model)
    other.connection.delete()
    assert "via" not in _rows(pages, model)


def test_a_repository_that_is_gone_says_since_when(pages: Client, project: Project) -> None:
    assert "api" in _rows(pages, Repository)
    Repository.objects.update(gone_at=LONG_AGO)
    assert "3 Feb 2020" in pages.get(LISTS[Repository], {"state": "gone"}).content.decode()
    Repository.objects.update(gone_at=LONG_AGO + timedelta(days=1))
    assert "4 Feb 2020" in pages.get(LISTS[Repository], {"state": "gone"}).content.decode()


@pytest.mark.parametrize(("model", "permission"), [(Repository, "repository"), (Pipeline, "pipeline")])
def test_a_row_that_one_person_saw_is_not_shown_to_those_who_may_not_see_it(
    pages: Client, project: Project, person: Callable[..., User], model: type[models.Model], permission: str
) -> None:
    assert "Acme main" in _rows(pages, model)
    pages.force_login(person("walter", "delivery.view_releasepipeline"))
    answer = pages.get(LISTS[model])
    assert answer.status_code == 403
    assert "Acme main" not in answer.content.decode()
    pages.force_login(person("vera", f"delivery.view_{permission}"))
    assert "Acme main" in _rows(pages, model)


def test_a_row_says_how_long_ago_something_was_and_how_long_it_has_taken(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    began = now - timedelta(minutes=5)
    Pipeline.objects.update(queued_at=began, started_at=began)
    waiting = [{"who": "Noor", "since": began.isoformat()}]
    ReleasePipeline.objects.update(newest_at=began, waiting=waiting)
    assert all("5\xa0minutes ago" in row for row in _rendered(now))
    later = now + timedelta(minutes=2)
    monkeypatch.setattr(humanize, "datetime", _clock_at(later))
    built, released = _rendered(later)
    assert "7\xa0minutes ago" in built
    assert ">7 min" in built
    assert released.count("7\xa0minutes ago") == 2
    assert "5\xa0minutes" not in built + released


def _rendered(now: datetime) -> tuple[str, str]:
    filters = reads.Filters()
    built, _ = page_of_each(reads.pipelines, filters, "1", row=PipelineRow, columns=PipelineRow._fields)
    released, _ = page_of_each(
        reads.release_pipelines, filters, "1", row=ReleasePipelineRow, columns=ReleasePipelineRow._fields
    )
    return "".join(pipeline_rows(built, {}, now)), "".join(release_pipeline_rows(released, {}, now))


def _clock_at(moment: datetime) -> type[datetime]:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Clock":
            return cls.fromtimestamp(moment.timestamp(), tz)

    return Clock


@pytest.mark.parametrize("model", LISTS)
def test_a_row_links_below_the_path_at_which_the_product_is_served(
    pages: Client, project: Project, model: type[models.Model]
) -> None:
    assert 'href="/below/' not in _rows(pages, model)
    with override_script_prefix("/below/"):
        assert 'href="/below/' in _rows(pages, model)
