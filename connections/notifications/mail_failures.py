"""Classify SMTP failures: the server, the recipient or the mail is at fault.

https://www.rfc-editor.org/rfc/rfc5321#section-4.2 defines the digits of a reply, and section 4.3.2 the replies to each
command. The exception class of smtplib identifies the command: SMTPConnectError, SMTPHeloError,
SMTPAuthenticationError, SMTPSenderRefused (MAIL), SMTPRecipientsRefused (RCPT), SMTPDataError (DATA, and the reply to
the whole mail).
"""

import smtplib
from enum import Enum, auto

from core.redaction import redact

LONGEST_WORDS = 500
_CLOSING = 421
_TOO_LARGE = 552
# Closing, out of sequence, authentication required: these concern the session, whichever command they answer.
# https://www.rfc-editor.org/rfc/rfc4954#section-6
_OF_THE_SESSION = {_CLOSING, 503, 530, 534, 535, 538}


class SetupError(Exception):
    """The mail settings are invalid. The message is for the site administrator and contains no password."""


class Fault(Enum):
    """What has to change before the mail can be sent."""

    SERVER = auto()  # the mail server, the network or the settings: the next mail would fail, too
    RECIPIENT = auto()  # the server refused this address
    RECIPIENT_FOR_NOW = auto()  # the server refused this address temporarily, as greylisting does
    MAIL = auto()  # the server accepted sender and recipient but refused this mail, or it cannot be encoded


def fault_of(failure: Exception) -> Fault:
    """What is at fault for a failure. A mail has one recipient."""
    if isinstance(failure, smtplib.SMTPRecipientsRefused):
        return _of_recipient(_reply(failure)[0])
    if isinstance(failure, smtplib.SMTPSenderRefused):
        return Fault.MAIL if failure.smtp_code == _TOO_LARGE else Fault.SERVER
    if isinstance(failure, smtplib.SMTPDataError):
        is_for_good = 500 <= failure.smtp_code <= 599 and failure.smtp_code not in _OF_THE_SESSION
        return Fault.MAIL if is_for_good else Fault.SERVER
    # SMTPException is an OSError, and so are network errors.
    return Fault.SERVER if isinstance(failure, (OSError, SetupError)) else Fault.MAIL


def _of_recipient(code: int) -> Fault:
    if code in _OF_THE_SESSION or not 400 <= code <= 599:
        return Fault.SERVER
    return Fault.RECIPIENT if code >= 500 else Fault.RECIPIENT_FOR_NOW


def describe(failure: Exception) -> str:
    """One line for the Outbox: the kind of failure and the server's reply, without secrets."""
    code, words = _reply(failure)
    message = f"{code} {words}" if code else str(failure)
    return redact(f"{type(failure).__name__}: {' '.join(message.split())}")[:LONGEST_WORDS]


def _reply(failure: Exception) -> tuple[int, str]:
    """Code and text of the server's reply; 0 and an empty text if there is none."""
    code: int = 0
    words: bytes | str = b""
    if isinstance(failure, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(failure.recipients.values()))
    elif isinstance(failure, smtplib.SMTPResponseException):
        code, words = failure.smtp_code, failure.smtp_error
    return code, words if isinstance(words, str) else words.decode(errors="replace")
