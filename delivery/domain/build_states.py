"""How a build stands, in one word for both of Azure DevOps' fields: how far it is, and how it ended."""

from enum import StrEnum

from connections.providers.azure_devops.build import Build, Result, Status


class State(StrEnum):
    """The state of a build. `NONE` is a pipeline that has never run."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELED = "canceled"
    UNKNOWN = "unknown"
    NONE = "none"

    @classmethod
    def _missing_(cls, value: object) -> "State":
        """A later version may have stored a word that this one does not know."""
        return cls.UNKNOWN


_UNDER_WAY = {
    Status.NOT_STARTED: State.QUEUED,
    Status.POSTPONED: State.QUEUED,
    Status.IN_PROGRESS: State.RUNNING,
    Status.CANCELLING: State.CANCELLING,
}
_ENDED = {
    Result.SUCCEEDED: State.SUCCEEDED,
    Result.PARTIALLY_SUCCEEDED: State.PARTIAL,
    Result.FAILED: State.FAILED,
    Result.CANCELED: State.CANCELED,
}
UNDER_WAY = tuple(_UNDER_WAY.values())


def state_of(build: Build) -> State:
    """One word for a build; what Azure DevOps may add one day is "unknown"."""
    if build.status is Status.COMPLETED:
        return _ENDED.get(build.result, State.UNKNOWN) if build.result else State.UNKNOWN
    return _UNDER_WAY.get(build.status, State.UNKNOWN)
