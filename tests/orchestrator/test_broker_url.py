"""REDIS_URL means the same to Celery and to redis-py, and certificates are verified unless it says otherwise."""

import traceback
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from kombu import Connection
from pytest_django import Settings
from redis import Redis

import orchestrator.celery
from orchestrator import broker_url
from orchestrator.celery_overrides import Channel

HOST = "broker.example.com"
VERIFIED = "ssl_cert_reqs=required&ssl_check_hostname=true"
PASSWORD = "p@s:s/w?o#r d%$"
ENCODED = "p%40s%3As%2Fw%3Fo%23r%20d%25$"


def kombu_parameters(url: str) -> dict[str, object]:
    """What redis-py is given by Celery's workers, scheduler and pages for this REDIS_URL."""
    connection = orchestrator.celery.app.connection_for_write(broker_url.read(url))
    # Its parameters are known before it connects.
    channel: Any = Channel.__new__(Channel)
    channel.connection = connection.transport
    return dict(channel._connparams())


def redis_parameters(url: str) -> dict[str, object]:
    """What redis-py is given by /readyz for this REDIS_URL."""
    with Redis.from_url(broker_url.for_redis_py(broker_url.read(url))) as client:
        return dict(client.connection_pool.connection_kwargs)


NAMES = ("host", "port", "path", "db", "username", "password", "ssl_ca_certs", "ssl_check_hostname")
DEFAULTS: dict[str, object] = {"host": "localhost", "port": 6379, "db": 0}
URLS: dict[str, dict[str, object]] = {
    f"redis://{HOST}": {"host": HOST},
    f"redis://{HOST}:6380/3": {"host": HOST, "port": 6380, "db": 3},
    f"redis://{HOST}/?db=3": {"host": HOST, "db": 3},
    f"redis://:{ENCODED}@{HOST}/0": {"host": HOST, "password": PASSWORD},
    f"redis://us%40er:12#34@{HOST}/0": {"host": HOST, "username": "us@er", "password": "12#34"},
    f"rediss://user:$esame@{HOST}": {"username": "user", "password": "$esame", "ssl_check_hostname": True},
    f"rediss://{HOST}/0?ssl_ca_certs=/etc/ssl/ca.pem": {"ssl_ca_certs": "/etc/ssl/ca.pem", "ssl_check_hostname": True},
    f"rediss://{HOST}/0?ssl_cert_reqs=CERT_NONE": {"ssl_check_hostname": False},
    f"rediss://{HOST}/0?ssl_check_hostname=false": {"ssl_check_hostname": False},
    "rediss://[2001:db8::1]:6380/1": {"host": "2001:db8::1", "port": 6380, "db": 1},
    "redis+socket:///run/broker.sock": {"path": "/run/broker.sock", "db": 0},
    "redis+socket:///run/broker.sock?virtual_host=2": {"path": "/run/broker.sock", "db": 2},
    "unix:///run/broker.sock?db=2": {"path": "/run/broker.sock", "db": 2},
    "unix://user:$esame@/run/broker.sock": {"path": "/run/broker.sock", "username": "user", "password": "$esame"},
}


def meant(parameters: dict[str, object]) -> dict[str, object]:
    found = {name: parameters.get(name, DEFAULTS.get(name)) for name in NAMES}
    requirement = str(parameters.get("ssl_cert_reqs")).lower().removeprefix("verifymode.").removeprefix("cert_")
    if found["path"]:
        found["host"] = found["port"] = None
    return found | {"requirement": {"2": "required", "0": "none"}.get(requirement, requirement)}


@pytest.mark.parametrize("url", URLS)
def test_both_libraries_are_given_the_same(url: str) -> None:
    by_celery = meant(kombu_parameters(url))
    assert by_celery == meant(redis_parameters(url))
    assert by_celery == by_celery | URLS[url]


@pytest.mark.parametrize(
    ("query", "made"),
    [
        ("", VERIFIED),
        ("?ssl_cert_reqs=required", VERIFIED),
        ("?ssl_cert_reqs=optional", VERIFIED),
        ("?ssl_cert_reqs=CERT_REQUIRED", VERIFIED),
        ("?ssl_cert_reqs=none", "ssl_cert_reqs=none&ssl_check_hostname=false"),
        ("?ssl_check_hostname=False", "ssl_check_hostname=false&ssl_cert_reqs=required"),
    ],
)
def test_certificate_and_host_are_verified_unless_the_url_says_otherwise(query: str, made: str) -> None:
    assert broker_url.read(f"rediss://{HOST}{query}") == f"rediss://{HOST}/0?{made}"


@pytest.mark.parametrize("query", ["ssl_cert_reqs=none", "ssl_check_hostname=false"])
def test_a_deploy_check_warns_of_a_broker_that_is_not_verified(query: str, settings: Settings) -> None:
    settings.REDIS_URL = broker_url.read(f"rediss://:sesame@{HOST}/0?{query}")
    found = [message for message in run_checks(include_deployment_checks=True) if message.id == "orchestrator.W011"]
    assert len(found) == 1
    assert "sesame" not in f"{found[0].msg} {found[0].hint}"


@pytest.mark.parametrize("url", [f"rediss://{HOST}/0", f"redis://{HOST}/0", "redis+socket:///run/broker.sock"])
def test_it_is_silent_about_others(url: str, settings: Settings) -> None:
    settings.REDIS_URL = broker_url.read(url)
    assert "orchestrator.W011" not in {message.id for message in run_checks(include_deployment_checks=True)}


def test_a_file_of_authorities_that_is_not_there_is_named_by_a_check(settings: Settings, tmp_path: Path) -> None:
    settings.REDIS_URL = broker_url.read(f"rediss://{HOST}/0?ssl_ca_certs={tmp_path}/ca.pem")
    assert [message.msg for message in run_checks() if message.id == "orchestrator.E008"] == [
        "The file in ssl_ca_certs of REDIS_URL cannot be read."
    ]
    (tmp_path / "ca.pem").touch()
    assert "orchestrator.E008" not in {message.id for message in run_checks()}


@pytest.mark.parametrize(
    "url",
    [
        f"https://:sesame@{HOST}",
        f"sesame@{HOST}:6379",
        "redis://:sesame@",
        f"redis://:ses/ame@{HOST}:6379/0",
        f"redis://:sesame@{HOST}:70000/0",
        f"redis://:sesame@{HOST}:6379/sesame",
        f"redis://:sesame@{HOST}:6379/0?wrong=sesame",
        f"redis://:sesame@{HOST}:6379/0?ssl_cert_reqs=none",
        f"rediss://:sesame@{HOST}:6379/0?ssl_cert_reqs=sesame",
        f"redis+socket://sesame@{HOST}/run/broker.sock",
        f"redis://:sesame@{HOST};redis://:sesame@other.example.com",
    ],
)
def test_what_cannot_be_read_is_refused_without_the_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL") as refused:
        broker_url.read(url)
    assert "ses" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:secret@host:6379/0", "redis://host:6379/0"),
        ("rediss://user:secret@host/1?ssl_ca_certs=/etc/ca.pem", "rediss://host/1"),
        ("redis+socket:///run/broker.sock", "redis+socket:///run/broker.sock"),
        ("unix://:secret@/run/broker.sock?db=1", "redis+socket:///run/broker.sock"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert broker_url.without_password(broker_url.read(url)) == shown


def test_kombu_by_itself_verifies_nothing() -> None:
    """Why the URL is never handed over as it is; when this fails, kombu has become careful."""
    assert Connection(f"rediss://{HOST}").ssl == {"ssl_cert_reqs": 0}
