"""The connection to a mail server: Django's and smtplib's, with a deadline, and replies read by their first digit."""

import smtplib
import socket
import threading
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.mail.backends import smtp

_Reply = tuple[int, bytes]


class Unconfirmed(smtplib.SMTPServerDisconnected):
    """A whole mail was handed over and no answer came: it may have been accepted, and the next attempt be a second."""


class ServerClosing(smtplib.SMTPResponseException):
    """The server answered 421: it ends the connection, and says so at whichever command it likes."""


class _SMTP(smtplib.SMTP):
    """A connection that ends with its deadline, however slowly the server drips."""

    _watch: threading.Timer | None = None

    def watch(self) -> None:
        """Count the deadline from now."""
        self.unwatch()
        self._watch = threading.Timer(settings.EMAIL_DEADLINE, self._cut)
        self._watch.daemon = True
        self._watch.start()

    def unwatch(self) -> None:
        """Let it be as long as it takes until the next mail."""
        if self._watch is not None:
            self._watch.cancel()

    def getreply(self) -> _Reply:
        """As smtplib's. Raises ServerClosing, where smtplib would go on at some commands and lose what was said.

        https://www.rfc-editor.org/rfc/rfc5321#section-3.8
        """
        code, words = super().getreply()
        if code == 421:
            self.close()
            raise ServerClosing(code, words)
        return code, words

    def mail(self, *args: Any, **options: Any) -> _Reply:
        """As smtplib's; every 2xx is a yes."""
        return _by_first_digit(super().mail(*args, **options))

    def rcpt(self, *args: Any, **options: Any) -> _Reply:
        """As smtplib's; every 2xx is a yes."""
        return _by_first_digit(super().rcpt(*args, **options))

    def data(self, msg: Any) -> _Reply:
        """As smtplib's, with patience until the deadline: a server that looks into mails answers late.

        https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.2.6
        Raises SMTPDataError when the command is refused before the mail is handed over, and Unconfirmed when the mail
        was handed over and the answer is none that SMTP knows.
        """
        if self.sock is not None:
            self.sock.settimeout(settings.EMAIL_DEADLINE)
        try:
            code, words = _by_first_digit(super().data(msg))
        except smtplib.SMTPDataError:
            # smtplib resets the session after every other refusal; without it the next MAIL is out of sequence.
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
        # The first moment at which there is something to cut; the greeting has not been read yet.
        self.watch()
        return super()._get_socket(*args)  # type: ignore[misc]  # typeshed leaves out what smtplib's own classes override

    def _cut(self) -> None:
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


def _by_first_digit(reply: _Reply) -> _Reply:
    """A reply as smtplib takes it, which knows 250 and 251 alone.

    "An SMTP client MUST determine its actions only by the reply code": https://www.rfc-editor.org/rfc/rfc5321#section-4.2
    """
    code, words = reply
    return (250, words) if 200 <= code <= 299 else reply


class _SMTPOverTLS(_SMTP, smtplib.SMTP_SSL):
    """The same with TLS from the first byte."""


class SMTPBackend(smtp.EmailBackend):
    """Django's, with a deadline over everything that belongs to one mail."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """Plain, or with TLS from the first byte."""
        return _SMTPOverTLS if self.use_ssl else _SMTP

    @property
    def is_usable(self) -> bool:
        """Whether a connection stands on which another mail can be sent."""
        return self.connection is not None and self.connection.sock is not None
