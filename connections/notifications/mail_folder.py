"""Mail backend that writes each mail to a file, in a format that mail programs can open."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")
_LONGEST_ADDRESS = 60


class FolderBackend(BaseEmailBackend):
    """Writes to EMAIL_FILE_PATH or `file_path`. Raises OSError if the folder is not writable."""

    def __init__(self, *args: Any, file_path: str | Path | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._folder = Path(file_path or settings.EMAIL_FILE_PATH)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write the mails and return how many there were."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            self._write(message)
        return len(email_messages)

    def _write(self, message: EmailMessage) -> None:
        # Renamed when complete, so that programs that watch the folder never see a partial mail.
        unfinished = self._folder / f".{uuid4().hex}"
        try:
            # The type stubs lack this parameter of Django.
            unfinished.write_bytes(message.message().as_bytes(linesep="\r\n"))  # type: ignore[call-arg]
            unfinished.rename(self._folder / _file_name(message))
        finally:
            unfinished.unlink(missing_ok=True)


def _file_name(message: EmailMessage) -> str:
    """A unique name that contains the recipient and sorts by time."""
    recipient = _NOT_IN_NAMES.sub("-", message.recipients()[0])[:_LONGEST_ADDRESS].strip("-")
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{recipient}-{uuid4().hex[:8]}.eml"
