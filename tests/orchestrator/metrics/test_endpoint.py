"""Who may read /metrics, and that requests are counted by route."""

from collections.abc import Callable

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from connections.models import Connection
from orchestrator.metrics.endpoint import Metrics
from tests.factories import ConnectionFactory, make_person
from tests.orchestrator.metrics.conftest import TOKEN, Series

RIGHT = {"authorization": f"Bearer {TOKEN}"}


def test_without_a_token_in_the_settings_there_are_no_metrics(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    with pytest.raises(MiddlewareNotUsed):
        Metrics(lambda request: HttpResponse())


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"bearer{TOKEN}", f"Bearer {TOKEN}x"]
)
def test_who_has_not_the_token_is_refused(metrics_on: None, authorization: str) -> None:
    answer = Client().get("/metrics", headers={"authorization": authorization} if authorization else {})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
    assert b"orchestrator_" not in answer.content


def test_a_session_opens_no_metrics(metrics_on: None) -> None:
    client = Client()
    client.force_login(make_person("admin", staff=True))
    assert client.get("/metrics").status_code == 401


def test_a_scraper_needs_neither_a_name_of_the_site_nor_https(metrics_on: None, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["repositories.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/metrics", headers=RIGHT | {"host": "10.1.2.3:8000"}).status_code == 200


def test_nobody_can_post_there(metrics_on: None) -> None:
    answer = Client().post("/metrics", headers=RIGHT)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain"),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", "application/openmetrics-text"),
        ("application/openmetrics-text;version=1.x", "text/plain"),
        ("application/openmetrics-text;version=²", "text/plain"),
        ('text/plain;version="1.0.0"', "text/plain"),
    ],
)
def test_both_formats_of_prometheus_are_spoken(metrics_on: None, accept: str, content_type: str) -> None:
    ConnectionFactory()
    answer = Client().get("/metrics", headers=RIGHT | {"accept": accept})
    assert answer["Content-Type"].startswith(content_type)
    assert b"orchestrator_connection_health" in answer.content
    assert answer["Cache-Control"] == "no-store"


def test_without_a_database_there_is_no_answer_rather_than_an_empty_one(
    metrics_on: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(Connection.objects, "filter", away)
    answer = Client(raise_request_exception=False).get("/metrics", headers=RIGHT)
    assert answer.status_code in (500, 503)


def test_requests_are_counted_by_route_and_not_by_address(scrape: Callable[[], Series]) -> None:
    client = Client()
    for connection in ConnectionFactory.create_batch(3):
        client.get(connection.get_absolute_url())
    client.get("/no-such-page/")
    series = scrape()
    routes = {labels["route"]: value for labels, value in series["orchestrator_http_requests_total"]}
    assert sorted(routes.values()) == [1, 3]
    assert routes["none"] == 1
    durations = {labels["route"]: value for labels, value in series["orchestrator_http_request_duration_seconds_count"]}
    assert durations == routes


def test_made_up_methods_make_no_series(scrape: Callable[[], Series]) -> None:
    Client().generic("BREW", "/")
    assert {labels["method"] for labels, _ in scrape()["orchestrator_http_requests_total"]} == {"other"}
