"""A report as JSON and back, for the minutes between Test Connection and Connect."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from connections.azure_devops.capabilities import Finding, Verdict
from connections.azure_devops.types import Identity, Project
from connections.checks import Report


def to_json(report: Report) -> dict[str, Any]:
    """What Connect needs of an accepted report, as JSON values."""
    return {
        "finished_at": report.finished_at.isoformat(),
        "elapsed": report.elapsed,
        "identity": asdict(report.identity) if report.identity else None,
        "organization_id": report.organization_id,
        "projects": [[one.id, one.name, one.state, one.url] for one in report.projects],
        "projects_complete": report.projects_complete,
        "seconds": dict(report.seconds),
        "findings": [asdict(one) for one in report.findings],
    }


def from_json(stored: dict[str, Any]) -> Report:
    """The report that `to_json` wrote."""
    return Report(
        finished_at=datetime.fromisoformat(stored["finished_at"]),
        elapsed=stored["elapsed"],
        identity=Identity(**stored["identity"]) if stored["identity"] else None,
        organization_id=stored["organization_id"],
        projects=tuple(
            Project(id=id_, name=name, state=state, url=url) for id_, name, state, url in stored["projects"]
        ),
        projects_complete=stored["projects_complete"],
        seconds=stored.get("seconds", {}),
        findings=tuple(Finding(**{**one, "verdict": Verdict(one["verdict"])}) for one in stored["findings"]),
    )
