"""Why an action was not carried out."""

from connections.actions.probe import Tested


class Refused(Exception):
    """An action refused for a reason that a person can act on.

    `field` names the form field the message belongs beside, or is empty; `code` is stable. `tested` is the test of a
    token that speaks against it, if it was one.
    """

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.tested: Tested | None = None


class CannotConnect(Refused):
    """Nothing was connected and nothing was stored."""


class CannotRotate(Refused):
    """The stored token stays as it was."""


class CannotEdit(Refused):
    """The connection stays as it was."""


class CannotDisconnect(Refused):
    """The connection stays."""


class CannotCalibrate(Refused):
    """Nothing was asked."""
