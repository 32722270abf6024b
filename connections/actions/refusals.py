"""Why an action was not carried out."""

from collections.abc import Iterator
from contextlib import contextmanager

from connections.actions.verify_credential import VerificationResult
from connections.domain.form_versions import Conflict
from connections.input_rules import InvalidInput


class Refused(Exception):
    """An action refused for a reason that a person can act on.

    `field` names the form field the message belongs beside, or is empty; `code` is stable. `tested` is the test of a
    token that speaks against it, if it was one. `conflicts` are the fields that changed since the form was drawn.
    """

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.tested: VerificationResult | None = None
        self.conflicts: tuple[Conflict, ...] = ()


class ConnectionGone(Refused):
    """The connection was disconnected meanwhile; nothing was changed."""


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


class CannotChange(Refused):
    """A change of whether it is in use, of the default or of the token policy is refused; nothing was changed."""


@contextmanager
def refusing_invalid_input(refusal: type[Refused]) -> Iterator[None]:
    """Raise `refusal` for what a rule of `input_rules` does not accept, with the rule's code, words and field."""
    try:
        yield
    except InvalidInput as wrong:
        raise refusal(wrong.code, wrong.message, field=wrong.field) from None
