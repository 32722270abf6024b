"""Reports as JSON and back, to keep them between Test Connection and Connect."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from connections.domain.verification import Failure, Report
from connections.providers.azure_devops.models import Project
from connections.providers.capability import Finding, ProjectVerdict, Verdict
from connections.providers.credential import ReadDate
from connections.providers.organization import Identity, ProjectRef


def to_json(report: Report) -> dict[str, Any]:
    """An accepted report as JSON values."""
    return {
        "finished_at": report.finished_at.isoformat(),
        "elapsed": report.elapsed,
        "identity": asdict(report.identity) if report.identity else None,
        "organization_id": report.organization_id,
        "projects": [[project.id, project.name, project.state] for project in report.projects],
        "projects_complete": report.projects_complete,
        "seconds": dict(report.seconds),
        "findings": [asdict(finding) for finding in report.findings],
        "chosen": [asdict(project) for project in report.chosen],
        "not_visible": [asdict(project) for project in report.not_visible],
        "projects_failure": asdict(report.projects_failure) if report.projects_failure else None,
        "untried": asdict(report.untried) if report.untried else None,
        "is_principal": report.is_principal,
        "evaluated_projects": report.evaluated_projects,
        "date": read_date_to_json(report.date) if report.date else None,
    }


def from_json(stored: dict[str, Any]) -> Report:
    """The report from `to_json` values."""
    return Report(
        finished_at=datetime.fromisoformat(stored["finished_at"]),
        elapsed=stored["elapsed"],
        identity=Identity(**stored["identity"]) if stored["identity"] else None,
        organization_id=stored["organization_id"],
        projects=tuple(Project(id_, name, state) for id_, name, state, *_ in stored["projects"]),
        projects_complete=stored["projects_complete"],
        seconds=stored.get("seconds", {}),
        findings=tuple(map(_finding, stored["findings"])),
        chosen=tuple(ProjectRef(**project) for project in stored.get("chosen", [])),
        not_visible=tuple(ProjectRef(**project) for project in stored.get("not_visible", [])),
        projects_failure=_failure(stored.get("projects_failure")),
        untried=_failure(stored.get("untried")),
        is_principal=stored.get("is_principal", False),
        evaluated_projects=stored.get("evaluated_projects", 0),
        date=_read_date(stored["date"]) if stored.get("date") else None,
    )


def read_date_to_json(read: ReadDate) -> dict[str, Any]:
    """What was read about an expiry date, as JSON values."""
    candidates = [[name, day.isoformat()] for name, day in read.candidates]
    return {"day": read.day.isoformat() if read.day else None, "reason": read.reason, "candidates": candidates}


def _read_date(stored: dict[str, Any]) -> ReadDate:
    candidates = tuple((name, date.fromisoformat(day)) for name, day in stored["candidates"])
    return ReadDate(date.fromisoformat(stored["day"]) if stored["day"] else None, stored["reason"], candidates)


def _finding(stored: dict[str, Any]) -> Finding:
    by_project = tuple(project_verdict(verdict) for verdict in stored.get("by_project", []))
    return Finding(**{**stored, "verdict": Verdict(stored["verdict"]), "by_project": by_project})


def project_verdict(stored: dict[str, Any]) -> ProjectVerdict:
    """A verdict in one project from `asdict` values."""
    return ProjectVerdict(**{**stored, "verdict": Verdict(stored["verdict"])})


def _failure(stored: dict[str, Any] | None) -> Failure | None:
    return Failure(**stored) if stored else None
