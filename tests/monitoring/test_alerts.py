"""The alert rules and the dashboard: valid, tested, and about metrics that exist."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from connections.models import RateLimitPause
from core.metric_totals import Totals
from core.models import Heartbeat
from tests.factories import ConnectionFactory
from tests.monitoring.programs import program
from tests.orchestrator.metrics.conftest import Series

FOLDER = Path(__file__).resolve().parents[2] / "monitoring"
DOCS = FOLDER.parent / "docs/monitoring.md"
_METRIC = re.compile(r"\borchestrator_[a-z_]+")


@pytest.mark.parametrize(
    "arguments", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]], ids=" ".join
)
def test_promtool_accepts_the_rules(arguments: list[str]) -> None:
    done = subprocess.run(
        [program("promtool"), *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_the_configuration(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "monitoring")
    (tmp_path / "monitoring/metrics-token").write_text("a-bearer-token-for-tests")
    done = subprocess.run(
        [program("promtool"), "check", "config", "prometheus.yml"],
        cwd=tmp_path / "monitoring",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_dashboard_and_docs_name_only_metrics_that_exist(scrape: Callable[[], Series]) -> None:
    known = set(everything(scrape))
    for path in (FOLDER / "alerts.yml", FOLDER / "dashboard.json", DOCS):
        named = set(_METRIC.findall(path.read_text()))
        assert {name for name in named if not known & {name, f"{name}_count"}} == set(), path.name


def test_the_docs_name_every_metric(scrape: Callable[[], Series]) -> None:
    named = set(_METRIC.findall(DOCS.read_text()))
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in everything(scrape)}
    assert families == named


def test_every_panel_of_the_dashboard_has_a_place_of_its_own() -> None:
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
    assert len({panel["id"] for panel in panels}) == len(panels)


def everything(scrape: Callable[[], Series]) -> Series:
    """A scrape in which every metric has a value."""
    now = timezone.now()
    ConnectionFactory(expires_on=timezone.localdate(now))
    Heartbeat.objects.create(part=Heartbeat.Part.SCHEDULER, seen_at=now)
    paused = ConnectionFactory(identity_id="33333333-3333-4333-8333-333333333333")
    RateLimitPause.objects.create(
        server=paused.server, identity_id=paused.identity_id, until=now + timedelta(minutes=2)
    )
    totals = Totals()
    totals.add("orchestrator_http_requests", route="/", method="GET", status="200")
    totals.observe("orchestrator_http_request_duration_seconds", 0.1, route="/")
    totals.add("orchestrator_credential_checks", outcome="ok")
    totals.observe("orchestrator_credential_check_duration_seconds", 0.1)
    totals.add("orchestrator_probes", capability="code_read", verdict="granted")
    totals.observe("orchestrator_probe_duration_seconds", 0.1, capability="code_read")
    totals.add("orchestrator_audits", health="healthy")
    totals.flush()
    return scrape()
