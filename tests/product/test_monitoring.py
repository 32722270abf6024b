"""A real Prometheus reads the running product, and an alert for an expiring credential arrives at its receiver."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any

import pytest
import requests
import yaml

from orchestrator.free_ports import HOST, free_near
from tests.monitoring.programs import program
from tests.product.running import Start, copy_checkout, eventually, finished, persons_environment

pytestmark = [pytest.mark.product, pytest.mark.xdist_group("product")]
TOKEN = "a-bearer-token-for-this-test"
NAME = "Payments"
# The first sample that the terminal prints has every scope.
SAMPLE = r"^ {4}(\S{52,})$"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Running, with a credential that expires tomorrow."""
    start = Start(copy_checkout(tmp_path_factory.mktemp("monitored") / "checkout"), METRICS_TOKEN=TOKEN)
    try:
        start.up()
        add = ["connections", "add", NAME, "acme", "--owner", start.said(r"^Sign in as +(\S+)$"), "--accept-limited"]
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)
        code, said = finished(
            start.folder,
            [".venv/bin/python", "manage.py", *add, "--expires-on", tomorrow.isoformat(), "--server", "Sandbox"],
            persons_environment(),
            given=start.said(SAMPLE),
        )
        assert code == 0, said
        yield start
    finally:
        start.close()


@pytest.fixture
def alerts() -> Iterator[tuple[str, "SimpleQueue[dict[str, Any]]"]]:
    """A receiver of webhooks: its address, and the alerts that arrived."""
    arrived: SimpleQueue[dict[str, Any]] = SimpleQueue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            for alert in json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"]:
                arrived.put(alert)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((HOST, 0), Receiver) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{server.server_port}/", arrived
        server.shutdown()


@contextmanager
def running(command: list[str], folder: Path, ready: str) -> Iterator[None]:
    with (folder / f"{Path(command[0]).name}.log").open("w+") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            eventually(lambda: answers(ready) or process.poll() is not None, f"{command[0]} does not answer")
            assert process.poll() is None, Path(log.name).read_text()
            yield
        finally:
            process.kill()
            process.wait()


def answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=5).ok
    except requests.RequestException:
        return False


def configured(product: Start, folder: Path, alertmanager: int, receiver: str) -> None:
    """The files of `monitoring/`, with shorter intervals and the addresses of this test."""
    files = product.folder / "monitoring"
    prometheus = yaml.safe_load((files / "prometheus.yml").read_text())
    prometheus["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    prometheus["scrape_configs"][0]["static_configs"] = [{"targets": [product.url.removeprefix("http://")]}]
    prometheus["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [f"{HOST}:{alertmanager}"]}]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(prometheus))
    (folder / "alerts.yml").write_text((files / "alerts.yml").read_text())
    (folder / "metrics-token").write_text(TOKEN)
    route = {"receiver": "test", "group_wait": "0s", "group_interval": "1s", "group_by": ["..."]}
    receivers = [{"name": "test", "webhook_configs": [{"url": receiver}]}]
    (folder / "alertmanager.yml").write_text(yaml.safe_dump({"route": route, "receivers": receivers}))


def named(alerts: "SimpleQueue[dict[str, Any]]", name: str, *, within: float = 60.0) -> dict[str, Any]:
    seen, deadline = [], monotonic() + within
    while monotonic() < deadline:
        try:
            alert = alerts.get(timeout=1)
        except Empty:
            continue
        if alert["labels"]["alertname"] == name:
            return alert
        seen.append(alert["labels"]["alertname"])
    pytest.fail(f"No {name} within {within:g} s; what came: {seen}")


def test_an_expiring_credential_alerts_the_receiver(
    product: Start, alerts: tuple[str, "SimpleQueue[dict[str, Any]]"], tmp_path: Path
) -> None:
    receiver, arrived = alerts
    prometheus, alertmanager = free_near(0), free_near(0)
    configured(product, tmp_path, alertmanager, receiver)
    with ExitStack() as stack:
        manager = [
            program("alertmanager"), "--config.file=alertmanager.yml", "--storage.path=alertmanager",
            f"--web.listen-address={HOST}:{alertmanager}", "--cluster.listen-address=",
        ]  # fmt: skip
        stack.enter_context(running(manager, tmp_path, f"http://{HOST}:{alertmanager}/-/ready"))
        server = [
            program("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=prometheus",
            f"--web.listen-address={HOST}:{prometheus}",
        ]  # fmt: skip
        stack.enter_context(running(server, tmp_path, f"http://{HOST}:{prometheus}/-/ready"))
        alert = named(arrived, "CredentialExpiresInTwoDays")
    assert alert["labels"]["connection"] == NAME
    assert alert["labels"]["organization"] == "acme"
    assert NAME in alert["annotations"]["summary"]


def test_both_web_processes_report_the_same_counters(product: Start) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Connection": "close"}
    for _ in range(20):
        requests.get(f"{product.url}/sign-in/", timeout=20, headers={"Connection": "close"})

    def counted() -> float:
        text = requests.get(f"{product.url}/metrics", timeout=20, headers=headers).text
        prefix = 'orchestrator_http_requests_total{method="GET",route="sign-in/",status="200"} '
        return float(next((line.removeprefix(prefix) for line in text.splitlines() if line.startswith(prefix)), 0))

    # The process that is asked writes its own; the other does within fifteen seconds of its next request.
    def all_counted() -> bool:
        requests.get(f"{product.url}/sign-in/", timeout=20, headers={"Connection": "close"})
        return counted() >= 20

    eventually(all_counted, "the requests of one process are missing")
