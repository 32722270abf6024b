"""Exceptions of actions that were not carried out."""

from collections.abc import Iterator
from contextlib import contextmanager

from connections.actions.verify_credential import VerificationResult
from connections.domain.form_versions import Conflict
from connections.domain.problems import catalogue
from connections.domain.problems.refusals import REFUSALS
from connections.input_rules import InvalidInput


class Refused(Exception):
    """An action that was refused for a reason that people can act on.

    `code` is stable, and names the message unless another is given: one of a refusal, or all that is said about a
    problem of the catalogue. `field` is the form field to show the message at, or empty. `tested` is the verification
    that led to the refusal, if any. `conflicts` are fields that changed since the form was rendered.
    """

    def __init__(self, code: str, message: str = "", *, field: str = "") -> None:
        message = message or REFUSALS.get(code) or catalogue.known_problem(code).full
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.tested: VerificationResult | None = None
        self.conflicts: tuple[Conflict, ...] = ()


class ConnectionGone(Refused):
    """The connection was disconnected in the meantime; nothing was changed."""


class EntryGone(Refused):
    """The entry of the register was deleted in the meantime; nothing was changed."""


class CannotConnect(Refused):
    """Nothing was connected and nothing was stored."""


class CannotRotate(Refused):
    """The stored token was not changed."""


class CannotRenew(Refused):
    """The token was not renewed, or a step of its renewal was not taken.

    `back` is the address of the page that the person came from, if that is known.
    """

    back = ""


class CannotEdit(Refused):
    """The connection was not changed."""


class CannotDisconnect(Refused):
    """The connection was not deleted."""


class CannotDeclareLeak(Refused):
    """Nothing was declared leaked."""


class CannotCalibrate(Refused):
    """No call was made."""


class CannotChange(Refused):
    """Enabling, disabling, the default, the owner or the token policy was not changed."""


class CannotChangeEntry(Refused):
    """The entry of the register was not added, changed, closed, reopened or deleted."""


@contextmanager
def refusing_invalid_input(refusal: type[Refused]) -> Iterator[None]:
    """Turn `InvalidInput` into `refusal`, with the same code, message and field."""
    try:
        yield
    except InvalidInput as error:
        raise refusal(error.code, error.message, field=error.field) from None
