"""Whose fault it is that a mail was not sent, by the grammar of SMTP.

https://www.rfc-editor.org/rfc/rfc5321#section-4.2 says what the digits of a reply mean, and section 4.3.2 which replies
belong to which command. smtplib tells the command by the class of what it raises: SMTPConnectError, SMTPHeloError,
SMTPAuthenticationError, SMTPSenderRefused (MAIL), SMTPRecipientsRefused (RCPT), SMTPDataError (DATA, and the answer to
the whole mail).
"""

import smtplib
from enum import Enum, auto

from core.redaction import redact

LONGEST_WORDS = 500
_CLOSING = 421
_TOO_LARGE = 552
# Out of sequence, and "authenticate first": both say something of the session, at whichever command they come.
# https://www.rfc-editor.org/rfc/rfc4954#section-6
_OF_THE_SESSION = {_CLOSING, 503, 530, 534, 535, 538}


class SetupError(Exception):
    """Mail is set up in a way that can send nothing. The words are for the operator, and hold no password."""


class Fault(Enum):
    """What has to change before the mail can be sent."""

    SERVER = auto()  # the mail server, the way to it or how it is set up: the next mail would meet the same
    RECIPIENT = auto()  # the server refused this address
    RECIPIENT_FOR_NOW = auto()  # the server refused this address and asks for another attempt, as greylisting does
    MAIL = auto()  # the server took sender and recipient and refused this mail, or it cannot be written down at all


def fault_of(failure: Exception) -> Fault:
    """Whose fault a failure is. A mail has one recipient."""
    if isinstance(failure, smtplib.SMTPRecipientsRefused):
        return _of_recipient(_reply(failure)[0])
    if isinstance(failure, smtplib.SMTPSenderRefused):
        return Fault.MAIL if failure.smtp_code == _TOO_LARGE else Fault.SERVER
    if isinstance(failure, smtplib.SMTPDataError):
        is_for_good = 500 <= failure.smtp_code <= 599 and failure.smtp_code not in _OF_THE_SESSION
        return Fault.MAIL if is_for_good else Fault.SERVER
    # SMTPException is an OSError, and so is everything that goes wrong on the way.
    return Fault.SERVER if isinstance(failure, (OSError, SetupError)) else Fault.MAIL


def _of_recipient(code: int) -> Fault:
    if code in _OF_THE_SESSION or not 400 <= code <= 599:
        return Fault.SERVER
    return Fault.RECIPIENT if code >= 500 else Fault.RECIPIENT_FOR_NOW


def describe(failure: Exception) -> str:
    """The failure in one line for the Outbox: its kind and what the server said, without secrets."""
    code, words = _reply(failure)
    said = f"{code} {words}" if code else str(failure)
    return redact(f"{type(failure).__name__}: {' '.join(said.split())}")[:LONGEST_WORDS]


def _reply(failure: Exception) -> tuple[int, str]:
    """The server's code and words; 0 and nothing where it is not the server that speaks."""
    code: int = 0
    words: bytes | str = b""
    if isinstance(failure, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(failure.recipients.values()))
    elif isinstance(failure, smtplib.SMTPResponseException):
        code, words = failure.smtp_code, failure.smtp_error
    return code, words if isinstance(words, str) else words.decode(errors="replace")
