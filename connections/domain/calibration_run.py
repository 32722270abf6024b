"""Run a calibration: send the requests and compare the answers.

First the token's owner and a page of projects are requested, also with a made-up token. Then the probes and reads are
sent in one project that the connection covers. The only writing requests are the probes.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from connections.domain.calibration import TOLD_NOT_VALID, VALID, Calibration, Comparison, Result, Told
from connections.domain.probe_projects import ProjectChooser
from connections.domain.runners import Runner
from connections.domain.verification import NO_CHOSEN_PROJECT, NO_PROJECT, TIME_LIMIT, WRITE_PROBES_OFF
from connections.providers.azure_devops import capabilities, core, errors
from connections.providers.azure_devops.capabilities import NO_SUCH_NUMBER, Probe, read_answer
from connections.providers.azure_devops.classification import classify
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.models import Project, Service
from connections.providers.azure_devops.responses import Response
from connections.providers.azure_devops.transport import Transport
from connections.providers.credential import Credential
from connections.providers.organization import Identity, Place, ProjectRef
from expected_answers import ACCEPTED, ExpectedAnswers, ExpectedRequest, expected_answers
from expected_answers.observation import Private, differences, observe

_FIRST = ("connection_data", "projects", "made_up_token", "no_such_organization")


@dataclass(frozen=True, slots=True)
class Clients:
    """Three clients of one server: with the stored token, with a made-up token, and for an unknown organization.

    Only the first has the stored token, and calls only the connection's organization.
    """

    own: AzureDevOpsClient
    made_up: AzureDevOpsClient
    nowhere: AzureDevOpsClient

    def transport_for(self, request: ExpectedRequest) -> Transport:
        """The transport for a request."""
        if request.key == "no_such_organization":
            return self.nowhere.transport
        return (self.own if request.carries == "stored" else self.made_up).transport


def made_up_organization() -> str:
    """The name of an organization or collection that does not exist."""
    return f"x{uuid.uuid4().hex}"


@dataclass
class _Run:
    """The state of one calibration."""

    clients: Clients
    runner: Runner
    told: Told
    write_probes: bool
    chosen: Sequence[ProjectRef]
    expected: ExpectedAnswers = field(default_factory=expected_answers)
    outcomes: dict[str, object] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    identity: Identity | None = None
    projects: list[Project] = field(default_factory=list)

    def run(self) -> None:
        self.ask([self.expected.requests[key] for key in _FIRST], project="")
        rest = [request for key, request in self.expected.requests.items() if key not in _FIRST]
        reason, project = self.why_not_further() or self.choose_project()
        if project is None:
            self.reasons |= {request.key: reason for request in rest}
            return
        for request in rest:
            if request.writes and not self.write_probes:
                self.reasons[request.key] = WRITE_PROBES_OFF
        self.ask([request for request in rest if request.key not in self.reasons], project=project.id)

    def ask(self, requests: Sequence[ExpectedRequest], *, project: str) -> None:
        calls: list[Callable[[], object]] = [
            partial(_ask, self.clients.transport_for(request), request, project) for request in requests
        ]
        self.outcomes |= dict(zip((request.key for request in requests), self.runner.run(calls), strict=True))

    def why_not_further(self) -> tuple[str, None] | None:
        """The reason for stopping after the first requests, if any."""
        try:
            self.identity = core.read_connection_data(_answer(self.outcomes["connection_data"])).identity
        except errors.AzureDevOpsError as error:
            return error.code, None
        if self.told.token_state != VALID:
            return TOLD_NOT_VALID, None
        return (errors.Throttled.code, None) if self.clients.own.transport.asked_to_wait else None

    def choose_project(self) -> tuple[str, Project | None]:
        """The project to send requests in, and the reason if there is none."""
        try:
            answer = _answer(self.outcomes["projects"])
            error = classify(answer)
            if error is not None:
                return error.code, None
            self.projects = [core.read_project(item) for item in answer.json_list()]
        except errors.AzureDevOpsError as error:
            return error.code, None
        chooser = ProjectChooser(tuple(self.chosen), self.look_up)
        project = chooser.next(self.projects, complete=answer.continuation_token is None)
        self.projects += chooser.found()
        return NO_CHOSEN_PROJECT if self.chosen and self.projects else NO_PROJECT, project

    def look_up(self, project_id: str) -> object:
        (outcome,) = self.runner.run([partial(self.clients.own.project, project_id)])
        return outcome


def _probe_of(request: ExpectedRequest) -> Probe:
    return next(probe for probe in capabilities.PROBES if probe.capability == request.key)


def _ask(transport: Transport, request: ExpectedRequest, project: str) -> Response:
    if request.is_probe:
        return _probe_of(request).ask(transport, project)
    if request.method != "GET":
        raise ValueError("only probes may write")
    service: Service = "release" if request.service == "release" else "core"
    filled = request.path.format(project=project, no_such_id=uuid.uuid4(), no_such_number=NO_SUCH_NUMBER)
    query, version = request.query, request.api_version
    return transport.ask("GET", tuple(filled.split("/")), service=service, query=query, api_version=version)


def _answer(outcome: object) -> Response:
    if isinstance(outcome, Response):
        return outcome
    raise outcome if isinstance(outcome, errors.AzureDevOpsError) else errors.TimedOut()


def calibrate(
    clients: Clients,
    runner: Runner,
    told: Told,
    *,
    write_probes: bool,
    day: date,
    credential: Credential,
    people: Iterable[str] = (),
    things: Iterable[str] = (),
    projects: Sequence[ProjectRef] = (),
) -> Calibration:
    """Send the requests and compare the answers. Never raises an `AzureDevOpsError`.

    `projects` are those that the connection is limited to, empty for all. Error types are left out if they contain a
    name of `people` or `things`, a secret of `credential`, or the name of the owner, the organization or a project.
    """
    run = _Run(clients, runner, told, write_probes, projects)
    run.run()
    private = _private(run, credential, people, things)
    server = clients.own.transport.server
    compared = (_compare(run, request, server.place, private) for request in run.expected.requests.values())
    return Calibration(told, server.place, server.is_services, write_probes, day, tuple(compared))


def _private(run: _Run, credential: Credential, people: Iterable[str], things: Iterable[str]) -> Private:
    answers = [outcome for outcome in run.outcomes.values() if isinstance(outcome, Response)]
    asker = [run.identity.display_name, run.identity.account or ""] if run.identity else []
    signed = [answer.headers.get("x-vss-userdata", "").partition(":")[2] for answer in answers]
    projects = [project.name for project in run.projects] + [project.name for project in run.chosen]
    return Private.of(
        people=[*people, *asker, *signed],
        things=[*things, run.clients.own.transport.organization, *projects],
        secrets=credential.secrets(),
    )


def _compare(run: _Run, request: ExpectedRequest, place: Place, private: Private) -> Comparison:
    situations = run.told.situations(request)
    usual = situations[0]
    if request.key in run.reasons:
        return Comparison(request, usual, Result.NOT_ASKED, reason=run.reasons[request.key])
    outcome = run.outcomes.get(request.key)
    if not isinstance(outcome, Response):
        code = outcome.code if isinstance(outcome, errors.AzureDevOpsError) else TIME_LIMIT
        return Comparison(request, usual, Result.NO_ANSWER, reason=code)
    asker = run.identity.id if run.identity else ""
    status, headers, body = outcome.status, outcome.headers, outcome.body
    seen = observe(run.expected, status=status, headers=headers, body=body, asker=asker, private=private)
    reading = _reading(request, outcome, asker)
    candidates = [
        (answer, differences(answer, seen) + (() if reading == answer.reading else ("reading",)))
        for answer in run.expected.to(request.key, when=situations, place=place)
    ]
    nearest, points = min(candidates, key=lambda pair: len(pair[1]), default=(None, ()))
    result = Result.AS_EXPECTED if nearest and not points else Result.DIFFERENT
    return Comparison(request, usual, result, nearest, seen, points, reading)


def _reading(request: ExpectedRequest, answer: Response, asker: str) -> str:
    """How the product interprets an answer: "accepted", a verdict, or a problem code."""
    if request.is_probe:
        return str(read_answer(answer, proofs=_probe_of(request).proofs, identity=asker)[0])
    try:
        if request.path == "_apis/connectionData":
            core.read_connection_data(answer)
    except errors.AzureDevOpsError as error:
        return error.code
    refusal = classify(answer)
    return refusal.code if refusal else ACCEPTED
