"""What people do at Azure DevOps from here: the permission each act wants here, and the scope it wants there."""

from dataclasses import dataclass

from connections import clients, guidance, messages
from connections.azure_devops.capabilities import BY_KEY, Verdict
from connections.models import Connection
from connections.status import Health


@dataclass(frozen=True, slots=True)
class Act:
    """Something that changes Azure DevOps. `capability` is a key of the capability check."""

    key: str
    label: str
    permission: str
    capability: str

    @property
    def scope_label(self) -> str:
        """The scope in Azure DevOps' own words."""
        return BY_KEY[self.capability].azure_label


CREATE_REPOSITORY = Act("create_repository", "New repository", "delivery.create_repository", "code_manage")
CREATE_BRANCH = Act("create_branch", "New branch", "delivery.write_code", "code_write")
COMMIT_FILE = Act("commit_file", "Commit a file", "delivery.write_code", "code_write")
CREATE_RELEASE = Act("create_release", "Create release", "delivery.create_release", "release_execute")
DEPLOY_STAGE = Act("deploy_stage", "Deploy", "delivery.deploy_release", "release_execute")
CANCEL_DEPLOYMENT = Act("cancel_deployment", "Cancel deployment", "delivery.deploy_release", "release_execute")
APPROVE_DEPLOYMENT = Act("approve_deployment", "Approve", "delivery.approve_deployment", "release_manage")
REJECT_DEPLOYMENT = Act("reject_deployment", "Reject", "delivery.approve_deployment", "release_manage")
RUN_PIPELINE = Act("run_pipeline", "Run pipeline", "delivery.run_pipeline", "build_execute")
CANCEL_BUILD = Act("cancel_build", "Cancel", "delivery.cancel_build", "build_execute")


@dataclass(frozen=True, slots=True)
class Leave:
    """Whether an act may be tried with a connection's token; `code` of the catalogue says why not."""

    act: Act
    code: str = ""
    title: str = ""
    explanation: str = ""
    next_step: str = ""

    @property
    def given(self) -> bool:
        """Nothing known speaks against it."""
        return not self.code


def leave(connection: Connection, act: Act) -> Leave:
    """What the last check says. Only a scope that is surely missing, or a token that is surely refused, forbids.

    A person's missing right does not: it was tried in one project, and may be there in another.
    """
    if connection.disabled:
        return _no(connection, act, "connection_disabled")
    if connection.health == Health.REJECTED:
        return _no(connection, act, connection.problem or "token_refused")
    if missing_scope(connection, act.capability):
        lacks = f"The token lacks the scope {act.scope_label}. {guidance.PURPOSES[act.capability].without}"
        return _no(connection, act, "scope_missing", explanation=lacks)
    return Leave(act)


def missing_scope(connection: Connection, capability: str) -> bool:
    """Whether the last check found that the token surely lacks it. Uses what was prefetched of `capabilities`."""
    states = {one.capability: one.verdict for one in connection.capabilities.all()}
    return states.get(capability) == Verdict.MISSING


def _no(connection: Connection, act: Act, code: str, *, explanation: str = "") -> Leave:
    problem = messages.problem(code, place=clients.place_of(connection.server))
    return Leave(act, problem.code, problem.title, explanation or problem.explanation, problem.next_step)
