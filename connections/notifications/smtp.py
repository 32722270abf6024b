"""Django's SMTP backend with a deadline per mail, and with replies interpreted by their first digit."""

import smtplib
import socket
import threading
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.mail.backends import smtp

_Reply = tuple[int, bytes]


class Unconfirmed(smtplib.SMTPServerDisconnected):
    """The whole mail was transferred but not confirmed: it may have been accepted, so a retry may duplicate it."""


class ServerClosing(smtplib.SMTPResponseException):
    """The server answered 421, which it may do at any command: it closes the connection."""


class _SMTP(smtplib.SMTP):
    """A connection that is cut at its deadline, even if the server keeps sending slowly."""

    _watch: threading.Timer | None = None

    def watch(self) -> None:
        """Start the deadline."""
        self.unwatch()
        self._watch = threading.Timer(settings.EMAIL_DEADLINE, self._cut)
        self._watch.daemon = True
        self._watch.start()

    def unwatch(self) -> None:
        """Stop the deadline until the next mail."""
        if self._watch is not None:
            self._watch.cancel()

    def getreply(self) -> _Reply:
        """As in smtplib, but raises ServerClosing for 421, which smtplib ignores at some commands.

        https://www.rfc-editor.org/rfc/rfc5321#section-3.8
        """
        code, words = super().getreply()
        if code == 421:
            self.close()
            raise ServerClosing(code, words)
        return code, words

    def mail(self, *args: Any, **options: Any) -> _Reply:
        """As in smtplib, but every 2xx is a success."""
        return _by_first_digit(super().mail(*args, **options))

    def rcpt(self, *args: Any, **options: Any) -> _Reply:
        """As in smtplib, but every 2xx is a success."""
        return _by_first_digit(super().rcpt(*args, **options))

    def data(self, msg: Any) -> _Reply:
        """As in smtplib, but waits until the deadline, because servers that scan mails answer late.

        https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.2.6
        Raises SMTPDataError if the server refuses the command before the transfer, and Unconfirmed if there is no
        valid reply after it.
        """
        if self.sock is not None:
            self.sock.settimeout(settings.EMAIL_DEADLINE)
        try:
            code, words = _by_first_digit(super().data(msg))
        except smtplib.SMTPDataError:
            # smtplib resets the session after all other refusals; otherwise the next MAIL is out of sequence.
            self._rset()  # type: ignore[attr-defined]  # smtplib's own, left out by typeshed
            raise
        except smtplib.SMTPResponseException:
            raise
        except OSError as error:
            raise Unconfirmed(f"The server did not confirm the mail: {error}") from error
        finally:
            if self.sock is not None:
                self.sock.settimeout(settings.EMAIL_TIMEOUT)
        if code != 250 and not 400 <= code <= 599:
            raise Unconfirmed(f"The server answered the mail with {code} {words.decode(errors='replace')}")
        return code, words

    def _get_socket(self, *args: Any) -> Any:
        # Starts before the greeting is read, so that the deadline covers it.
        self.watch()
        return super()._get_socket(*args)  # type: ignore[misc]  # typeshed leaves out what smtplib's own classes override

    def _cut(self) -> None:
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


def _by_first_digit(reply: _Reply) -> _Reply:
    """The reply with every 2xx as 250, because smtplib accepts only 250 and 251.

    "An SMTP client MUST determine its actions only by the reply code": https://www.rfc-editor.org/rfc/rfc5321#section-4.2
    """
    code, words = reply
    return (250, words) if 200 <= code <= 299 else reply


class _SMTPOverTLS(_SMTP, smtplib.SMTP_SSL):
    """The same with implicit TLS."""


class SMTPBackend(smtp.EmailBackend):
    """Django's backend with a deadline for each mail."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """Plain, or with implicit TLS."""
        return _SMTPOverTLS if self.use_ssl else _SMTP

    @property
    def is_usable(self) -> bool:
        """Whether the connection is open, so that another mail can be sent."""
        return self.connection is not None and self.connection.sock is not None
