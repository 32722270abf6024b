"""Settings that hold for every test, and the fixtures that most tests share."""

import gc
import os
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

if TYPE_CHECKING:
    from pathlib import Path

    from django.contrib.auth.models import User
    from django.test import Client
    from pytest_django import DjangoDbBlocker, Settings

    from connections.models import Connection
    from sandbox.entra.issuer import Issuer
    from sandbox.server import Sandbox
    from tests.connections.providers.azure_devops.authority import Authority
    from tests.connections.renewals import Renewing
    from tests.connections.webhooks import Receiver

_ONLY_WHEN_ASKED_FOR = ("faults", "clients")
PASSWORD = "a-long-enough-password-4-tests"

# The same examples every time: a new one belongs into a test of its own. Nothing is written beside the sources,
# and nothing depends on how busy the machine is.
hypothesis_settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "50")),
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile("repeatable")


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """What collecting makes is there to stay; to look for garbage in it again and again would take seconds."""
    gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whatever uses the database is repeated on PostgreSQL, except what drives a browser.

    What takes minutes, or is installed for itself, runs only when it is asked for: `-m faults`, `-m clients`.
    """
    for marker in _ONLY_WHEN_ASKED_FOR:
        if marker not in config.option.markexpr:
            config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker(marker)])
            items[:] = [item for item in items if not item.get_closest_marker(marker)]
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        uses_database = "db" in fixtures or item.get_closest_marker("django_db") is not None
        if uses_database and "live_server" not in fixtures:
            item.add_marker(pytest.mark.any_database)


def pytest_collection_finish() -> None:
    """Thousands of tests and all modules are there to stay: the garbage collector need not look at them again."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With REQUIRE_ALL=1 nothing may be skipped, for whatever reason. What the machine lacks is one line each."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and " is missing: " in report.longrepr[2]:
        # Lines alike are counted together.
        # pytest leaves out a line that is None; its type does not say so.
        here = cast("tuple[str, int, str]", ("this machine", None, report.longrepr[2].removeprefix("Skipped: ")))
        report.longrepr = here
    if report.skipped and os.environ.get("REQUIRE_ALL") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"Skipped, and REQUIRE_ALL=1 allows no skip: {report.longreprtext}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _logging_is_left_to_pytest() -> None:
    """Celery sets Django and its logging up once more whenever somebody looks at its tasks, and in a worker.

    The handler would be bound to what captures that one test, which is closed afterwards, and the handlers that the
    test added would be gone.
    """
    from celery.signals import setup_logging

    from core.task_logging import leave_logging_alone

    pytest.MonkeyPatch().setattr("celery.fixups.django.DjangoWorkerFixup.django_setup", _do_nothing)
    setup_logging.disconnect(leave_logging_alone)
    # With nobody connected Celery sets logging up by itself.
    setup_logging.connect(_do_nothing)


def _do_nothing(*_: object, **__: object) -> None: ...


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: "DjangoDbBlocker", _tables: "Path") -> None:
    """The test database, and a copy of it as long as it holds nothing but what migrations wrote."""
    from tests import migrated

    with django_db_blocker.unblock():
        migrated.copy_to(_tables)


@pytest.fixture(scope="session")
def _tables(tmp_path_factory: pytest.TempPathFactory) -> "Path":
    return tmp_path_factory.mktemp("migrated") / "db.sqlite3"


@pytest.fixture(scope="session")
def migrated_file(django_db_setup: None, _tables: "Path") -> "Path":
    """A file of SQLite that has the tables and nothing else, as `migrate` leaves it. Tests work on copies."""
    from tests import migrated

    return migrated.made(_tables)


@pytest.fixture(autouse=True)
def young_web_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test run of several minutes must not begin to miss a clock and a worker that nobody started."""
    from orchestrator import health

    monkeypatch.setattr(health, "monitor", health.AlarmMonitor())


@pytest.fixture(scope="session")
def entra_folder(tmp_path_factory: pytest.TempPathFactory) -> "Path":
    """Where pretend Microsoft Entras keep their certificates, so that they are made once."""
    return tmp_path_factory.mktemp("entra")


@pytest.fixture
def sandbox(settings: "Settings", entra_folder: "Path") -> Iterator["Sandbox"]:
    """A fresh pretend Azure DevOps on loopback, which the product takes for its only server.

    A pretend Microsoft Entra is beside it: `sandbox.entra`.
    """
    from sandbox.server import Sandbox

    with Sandbox(entra=entra_folder) as running:
        settings.AZURE_DEVOPS_SERVERS = f"Sandbox={running.url} kind=sandbox"
        yield running


@pytest.fixture
def entra(sandbox: "Sandbox", settings: "Settings") -> "Issuer":
    """The pretend Microsoft Entra beside the sandbox, from which the product gets access tokens."""
    settings.SANDBOX_ENTRA_AUTHORITY = sandbox.entra.url
    settings.SANDBOX_ENTRA_CA_BUNDLE = str(sandbox.entra.ca_file)
    return sandbox.entra


@pytest.fixture
def renewing(sandbox: "Sandbox", entra: "Issuer", settings: "Settings", maintainer: "User") -> "Renewing":
    """Renews tokens at the sandbox for the maintainer."""
    from tests.connections.renewals import Renewing, registered

    settings.SANDBOX_TOKEN_RENEWAL = registered(entra)
    return Renewing(sandbox, maintainer)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> "Authority":
    """A certificate authority that nobody trusts until told to."""
    from tests.connections.providers.azure_devops.authority import Authority

    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def token_of() -> Callable[[str], str]:
    """The secret text of one of the sandbox's sample tokens, by its name."""
    from sandbox.samples import SAMPLES

    return {sample.name: sample.secret for sample in SAMPLES}.__getitem__


@pytest.fixture
def person(db: None) -> Callable[..., "User"]:
    """Makes users: `person("ann", "connections.add_connection")`; `person("ann", staff=True)` may do everything."""
    from tests.factories import make_person

    return make_person


@pytest.fixture
def maintainer(person: Callable[..., "User"]) -> "User":
    """Somebody with every permission of the product, who is not staff."""
    return person("maya", "*")


@pytest.fixture
def client() -> "Client":
    """A browser whose pages were opened just now."""
    from tests.browser import Browser

    return Browser()


@pytest.fixture
def pages(maintainer: "User", client: "Client") -> "Client":
    """A browser without JavaScript in which the maintainer is signed in."""
    client.force_login(maintainer)
    return client


@pytest.fixture
def connected(sandbox: "Sandbox", maintainer: "User", token_of: Callable[[str], str]) -> Callable[..., "Connection"]:
    """Connects for real: `connected("Acme main", token="full", organization="acme")`."""
    from tests.factories import connect_for_real

    def connect(name: str = "Acme main", *, token: str = "full", organization: str = "acme") -> "Connection":
        return connect_for_real(maintainer, name=name, organization=organization, secret=token_of(token))

    return connect


@pytest.fixture
def receiver(settings: "Settings", tmp_path: "Path") -> "Iterator[Receiver]":
    """A receiver of webhooks on loopback, which the settings allow."""
    from tests.connections import webhooks

    with webhooks.receiving(settings, tmp_path) as running:
        yield running
