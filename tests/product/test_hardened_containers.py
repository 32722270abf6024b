"""What each container may do, use and reach: the files are read, and database and broker are started as they say."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from redis import AuthenticationError, Redis
from redis.exceptions import NoPermissionError

from tests.product import container_servers
from tests.product.compose_file import PASSWORDS, TEXT, instructions, interpolated, services, whole
from tests.product.running import ROOT
from tests.servers.running import Server

pytestmark = [pytest.mark.product, pytest.mark.xdist_group("product")]
EVERY_SERVICE = pytest.mark.parametrize("name", sorted(services()))
# 17.11 is a full version of PostgreSQL, 3.11.16 one of Python; 17, 8.1 and latest move on by themselves.
FULL_VERSION = re.compile(r"postgres:\d+\.\d+(-\w+)?|(python|valkey/valkey):\d+\.\d+\.\d+(-[\w-]+)?")
IMAGES = {"POSTGRES_IMAGE": "database", "VALKEY_IMAGE": "broker", "PYTHON_IMAGE": "web"}
DIGEST = f"registry.example.com/image@sha256:{'0' * 64}"


def image_of(service: dict[str, Any]) -> str:
    """The image of a service, or the one that ours is built on."""
    return str(service["build"]["args"]["PYTHON_IMAGE"] if "build" in service else service["image"])


@EVERY_SERVICE
def test_an_image_is_named_by_a_full_version(name: str) -> None:
    assert FULL_VERSION.fullmatch(image_of(services()[name]))


@pytest.mark.parametrize("variable", IMAGES)
def test_an_image_can_be_pinned_by_its_digest_without_a_change_of_files(variable: str) -> None:
    assert image_of(services(**{variable: DIGEST})[IMAGES[variable]]) == DIGEST
    guide = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert re.search(rf"^    {variable}=\S+@sha256:", guide, re.MULTILINE)


def test_the_image_is_built_on_what_compose_names_and_installs_by_the_lock() -> None:
    said = instructions()
    arguments = dict(rest.split("=", 1) for word, rest in said if word == "ARG")
    assert arguments == services()["web"]["build"]["args"]
    assert {rest.split()[0] for word, rest in said if word == "FROM"} == {"${PYTHON_IMAGE}"}
    assert next(rest for word, rest in said if word == "RUN") == 'python orchestrator/bootstrap.py "$PACKAGES"'
    assert ("COPY", "requirements requirements") in said


@EVERY_SERVICE
def test_a_container_writes_only_where_it_must_and_has_no_rights_of_root(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    # Ours is built for a user of its own: tests/product/test_containers.py.
    assert "build" in service or service["user"] in ("postgres", "valkey")
    assert not service.keys() & {"cap_add", "privileged", "devices", "network_mode", "pid", "ipc", "userns_mode"}
    assert all(re.search(r":size=\d+m\b", mount) for mount in service["tmpfs"])
    for volume in service.get("volumes", ()):
        assert volume.split(":")[0] in whole()["volumes"] or volume.endswith(":ro")


@EVERY_SERVICE
def test_memory_processes_and_logs_of_a_container_are_limited(name: str) -> None:
    service = services()[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert 0 < service["pids_limit"] <= 256
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}


@EVERY_SERVICE
def test_whatever_runs_on_is_watched(name: str) -> None:
    service = services()[name]
    assert ("healthcheck" in service) == (service["restart"] != "no")


def test_database_and_broker_are_reached_by_the_parts_alone_and_reach_nothing() -> None:
    found = whole()
    assert found["networks"]["inside"] == {"internal": True}
    reach = {name: service["networks"] for name, service in found["services"].items()}
    assert {name for name, networks in reach.items() if networks != ["inside"]} == {"web", "worker"}
    assert {name for name, service in found["services"].items() if "ports" in service} == {"web"}
    assert all(port.startswith("127.0.0.1:") for port in found["services"]["web"]["ports"])


def test_a_proxy_on_this_machine_is_trusted_without_being_named() -> None:
    (outside,) = whole()["networks"]["outside"]["ipam"]["config"]
    assert services()["web"]["environment"]["TRUSTED_PROXIES"] == outside["gateway"]
    assert services(TRUSTED_PROXIES="10.0.0.5")["web"]["environment"]["TRUSTED_PROXIES"] == "10.0.0.5"


@pytest.mark.parametrize("variable", PASSWORDS)
def test_nothing_starts_without_a_password_and_none_is_in_a_command(variable: str) -> None:
    assert re.findall(rf"\$\{{{variable}(?!:\?)", TEXT) == []
    without = interpolated(TEXT, PASSWORDS | {variable: "s3same"})
    assert without.count("s3same") >= 2
    for service in services(**{variable: "s3same"}).values():
        assert "s3same" not in f"{service['command']} {service.get('healthcheck')}"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with container_servers.broker(tmp_path_factory.mktemp("broker")) as server:
        yield server


def test_the_broker_serves_nobody_without_its_password(broker: Server) -> None:
    with Redis.from_url(broker.url) as client:
        assert client.ping()
    bare = urlsplit(broker.url)
    for wrong in (
        bare._replace(netloc=f"{bare.hostname}:{bare.port}"),
        bare._replace(netloc=f":x@{bare.hostname}:{bare.port}"),
    ):
        with Redis.from_url(wrong.geturl()) as client, pytest.raises(AuthenticationError):
            client.ping()


@pytest.mark.parametrize(
    "command", ["CONFIG GET dir", "FLUSHALL", "KEYS *", "SHUTDOWN", "REPLICAOF NO ONE", "ACL LIST"]
)
def test_with_the_password_nobody_changes_or_empties_the_broker(broker: Server, command: str) -> None:
    with Redis.from_url(broker.url) as client, pytest.raises(NoPermissionError):
        client.execute_command(*command.split())


def test_the_broker_keeps_what_it_was_given_over_a_restart(broker: Server) -> None:
    with Redis.from_url(broker.url) as client:
        client.lpush("kept", "1")
    broker.stop()
    broker.start()
    with Redis.from_url(broker.url) as client:
        assert client.llen("kept") == 1


def test_the_check_of_the_broker_fails_with_a_wrong_password(broker: Server, tmp_path: Path) -> None:
    kind, *check = services()["broker"]["healthcheck"]["test"]
    assert kind == "CMD"
    check[1:1] = ["-p", str(urlsplit(broker.url).port)]
    path = container_servers.programs(tmp_path)

    def code(password: str) -> int:
        environment = os.environ | {"PATH": path, "REDISCLI_AUTH": password}
        return subprocess.run(["env", *check], env=environment, check=False, capture_output=True).returncode

    assert (code(PASSWORDS["BROKER_PASSWORD"]), code("wrong"), code("")) == (0, 1, 1)


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    with container_servers.database() as server:
        yield server


def test_the_product_owns_its_database_and_is_no_superuser(database: Server) -> None:
    with psycopg.connect(database.url) as connection:
        rights = (
            "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls "
            "FROM pg_roles WHERE rolname = current_user"
        )
        assert connection.execute(rights).fetchone() == (False,)
        owner = "SELECT pg_get_userbyid(datdba) = current_user FROM pg_database WHERE datname = current_database()"
        assert connection.execute(owner).fetchone() == (True,)
        connection.execute("CREATE TABLE public.made (id int)")


@pytest.mark.parametrize("name", ["postgres", "template1"])
def test_the_product_reaches_no_other_database(database: Server, name: str) -> None:
    other = urlsplit(database.url)._replace(path=f"/{name}").geturl()
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(other)


def test_over_the_network_nobody_signs_in_without_the_password_and_the_superuser_not_at_all(database: Server) -> None:
    url = urlsplit(database.url)
    for name, password in (("orchestrator", "wrong"), (str(database.user), PASSWORDS["POSTGRES_PASSWORD"])):
        wrong = url._replace(netloc=f"{name}:{password}@{url.hostname}:{url.port}").geturl()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)


def test_passwords_are_kept_as_scram_and_pages_have_checksums(database: Server) -> None:
    with psycopg.connect(database.url) as connection:
        asked = "SELECT current_setting('password_encryption'), current_setting('data_checksums')"
        assert connection.execute(asked).fetchone() == ("scram-sha-256", "on")
