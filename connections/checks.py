"""What must work, and how it is found out: one check of one token on one organization.

The order is fixed: whose token it is, which projects it sees, then one probe for each capability, and, when a
probe was refused, whose token it is once more. Side by side this takes three round trips for a full token.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol

from connections.azure_devops import capabilities, errors
from connections.azure_devops.capabilities import Finding, Probe, Verdict
from connections.azure_devops.client import AzureDevOpsClient
from connections.azure_devops.types import ConnectionData, Identity, Page, Project

PAGE_SIZE = 500
WRITE_PROBES_OFF = "write_probes_off"
TIME_LIMIT = "time_limit"
NO_PROJECT = "no_project"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a step failed: a problem code of the catalogue and what support will ask for.

    `host` is who answered or, for a redirect, where it leads. `retry_after` is in seconds, when the answer said it.
    """

    code: str
    transient: bool
    activity_id: str | None = None
    host: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What one check found.

    `trouble` is set when Azure DevOps did not accept the token or could not be asked; then there is no
    identity and every finding is "unknown". `elapsed` is in seconds; so is `seconds`, of the steps that ended:
    "token", "projects" and "scopes". `retry_after` is the longest wait in seconds that Azure DevOps asked for, and
    `person_retry_after` the longest for this person's share of calls.
    """

    finished_at: datetime
    elapsed: float
    identity: Identity | None = None
    organization_id: str = ""
    projects: tuple[Project, ...] = ()
    projects_complete: bool = False
    projects_trouble: Trouble | None = None
    findings: tuple[Finding, ...] = ()
    trouble: Trouble | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    retry_after: float | None = None
    person_retry_after: float | None = None

    @property
    def accepted(self) -> bool:
        """Azure DevOps said whose token it is."""
        return self.identity is not None and self.trouble is None

    @property
    def passed(self) -> bool:
        """Every capability is proved, save those that the operator switched off."""
        return self.accepted and all(
            one.verdict is Verdict.GRANTED or one.reason == WRITE_PROBES_OFF for one in self.findings
        )

    def lacking(self) -> tuple[Finding, ...]:
        """The capabilities that are missing or that the person may not use."""
        return tuple(one for one in self.findings if one.verdict in (Verdict.MISSING, Verdict.NOT_PERMITTED))


class Pace(Protocol):
    """How calls are made: side by side for a person who waits, one after another for the clock."""

    def run(self, calls: Sequence[Callable[[], object]]) -> list[object]:
        """Make the calls; an element is the value, the `AzureDevOpsError`, or None when time ran out."""
        ...

    def left(self) -> float:
        """Seconds until the limit."""
        ...


def _outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except errors.AzureDevOpsError as trouble:
        return trouble


class SideBySide:
    """All calls at once, with one limit in seconds over everything."""

    def __init__(self, limit: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = clock() + limit
        self._pool = ThreadPoolExecutor(max_workers=12, thread_name_prefix="probe")

    def left(self) -> float:
        """Seconds until the limit, never negative."""
        return max(0.0, self._ends - self._clock())

    def run(self, calls: Sequence[Callable[[], object]]) -> list[object]:
        """Make the calls; what is not finished at the limit is None, and is left to end by itself."""
        # Each call takes along what is bound to this thread, such as the ids that log lines carry.
        futures: list[Future[object]] = [self._pool.submit(copy_context().run, _outcome, call) for call in calls]
        wait(futures, timeout=self.left())
        return [future.result() if future.done() else None for future in futures]

    def close(self) -> None:
        """Start nothing more; do not wait for a call that is stuck."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class OneAfterAnother:
    """One call at a time; each has its own deadline in the transport."""

    def run(self, calls: Sequence[Callable[[], object]]) -> list[object]:
        """Make the calls in order."""
        return [_outcome(call) for call in calls]

    def left(self) -> float:
        """There is no limit over everything."""
        return float("inf")


def check(client: AzureDevOpsClient, pace: Pace, *, write_probes: bool, now: Callable[[], datetime]) -> Report:
    """Find out what the client's token can do. Never raises an `AzureDevOpsError`."""
    return _Check(client, pace, write_probes=write_probes).run(now)


class _Check:
    """What is known while one check goes on."""

    def __init__(self, client: AzureDevOpsClient, pace: Pace, *, write_probes: bool) -> None:
        self.client = client
        self.pace = pace
        self.write_probes = write_probes
        self.connection: ConnectionData | None = None
        self.projects: list[Project] = []
        self.continuation: str | None = None
        self.projects_trouble: Trouble | None = None
        self.trouble: Trouble | None = None
        self.seconds: dict[str, float] = {}

    def run(self, now: Callable[[], datetime]) -> Report:
        started = time.monotonic()
        self.look_around()
        findings = self.probe_and_list()
        findings = self.confirm(findings)
        accepted = self.connection if self.trouble is None else None
        return Report(
            finished_at=now(),
            elapsed=time.monotonic() - started,
            identity=accepted.identity if accepted else None,
            organization_id=accepted.organization_id if accepted else "",
            projects=tuple(sorted(self.projects, key=lambda one: one.name.casefold())),
            projects_complete=self.continuation is None and self.projects_trouble is None,
            projects_trouble=self.projects_trouble,
            findings=findings if self.trouble is None else _all_unknown(self.trouble.code),
            trouble=self.trouble,
            seconds=dict(self.seconds),
            retry_after=self.client.transport.asked_to_wait or None,
            person_retry_after=self.client.transport.person_asked_to_wait or None,
        )

    def timed(self, step: str, call: Callable[[], object]) -> Callable[[], object]:
        """The call, which notes how long it took; a step of several calls lasts as long as all of them."""

        def run() -> object:
            started = time.monotonic()
            try:
                return call()
            finally:
                self.seconds[step] = self.seconds.get(step, 0.0) + time.monotonic() - started

        return run

    def look_around(self) -> None:
        # Asked together: for a good token, the usual case, this saves a round trip.
        first_page = partial(self.client.projects_page, top=PAGE_SIZE)
        who, page = self.pace.run(
            [self.timed("token", self.client.connection_data), self.timed("projects", first_page)]
        )
        if isinstance(who, ConnectionData):
            self.connection = who
            self.take_page(page)
        else:
            self.trouble = _trouble(who)

    def take_page(self, page: object) -> None:
        if isinstance(page, Page):
            self.projects.extend(page.items)
            self.continuation = page.continuation
        else:
            self.projects_trouble = _trouble(page)

    def list_the_rest(self) -> None:
        try:
            for page in self.client.projects(page_size=PAGE_SIZE, after=self.continuation):
                self.take_page(page)
        except errors.AzureDevOpsError as trouble:
            self.take_page(trouble)

    def probe_and_list(self) -> tuple[Finding, ...]:
        if self.connection is None:
            return ()
        project = next((one.id for one in self.projects if one.state == "wellFormed"), None)
        asked = [one for one in capabilities.PROBES if self.reason_not_to_ask(one, project) is None]
        more = [self.timed("projects", self.list_the_rest)] if self.continuation is not None else []
        started = time.monotonic()
        answers = self.pace.run([*(self.call(one, project or "") for one in asked), *more])
        self.seconds["scopes"] = time.monotonic() - started
        if self.continuation is not None and self.projects_trouble is None:
            self.projects_trouble = Trouble(TIME_LIMIT, transient=True)
        found = dict(zip((one.capability for one in asked), answers, strict=False))
        return capabilities.reconcile(self.settle(one, found, project) for one in capabilities.PROBES)

    def reason_not_to_ask(self, probe: Probe, project: str | None) -> str | None:
        if project is None:
            return NO_PROJECT
        if not self.write_probes and capabilities.BY_KEY[probe.capability].writes:
            return WRITE_PROBES_OFF
        return None

    def call(self, probe: Probe, project: str) -> Callable[[], Finding]:
        identity = self.connection.identity.id if self.connection else ""
        return lambda: capabilities.probe(self.client.transport, probe, project=project, identity=identity)

    def settle(self, probe: Probe, found: dict[str, object], project: str | None) -> Finding:
        finding = found.get(probe.capability)
        if isinstance(finding, Finding):
            return finding
        reason = self.reason_not_to_ask(probe, project) or TIME_LIMIT
        return Finding(probe.capability, Verdict.UNKNOWN, reason)

    def confirm(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """An empty 401 means a missing scope only while the same person still answers."""
        if not any(one.verdict is Verdict.MISSING for one in findings):
            return findings
        (again,) = self.pace.run([self.client.connection_data])
        if isinstance(again, errors.TokenRefused):
            self.trouble = _trouble(again)
        return capabilities.confirm(findings, refusal=self.doubt(again))

    def doubt(self, again: object) -> str | None:
        if not isinstance(again, ConnectionData):
            return _trouble(again).code
        same = self.connection is not None and again.identity.id == self.connection.identity.id
        return None if same else "another_identity"


def _all_unknown(reason: str) -> tuple[Finding, ...]:
    return tuple(Finding(one.key, Verdict.UNKNOWN, reason) for one in capabilities.CAPABILITIES)


def _trouble(outcome: object) -> Trouble:
    if isinstance(outcome, errors.AzureDevOpsError):
        return Trouble(outcome.code, outcome.transient, outcome.activity_id, outcome.host, outcome.retry_after)
    return Trouble(TIME_LIMIT, transient=True)


def nothing_found(trouble: Trouble, *, at: datetime) -> Report:
    """The report of a check that could not begin or whose answers do not count."""
    return Report(finished_at=at, elapsed=0.0, findings=_all_unknown(trouble.code), trouble=trouble)
