"""Settings as operators write them: in the environment, in `.env`, and secrets also in a file that NAME_FILE names.

Not by `environ.Env` itself: to it a value that begins with `$` is the name of another variable, and a blank after a
comma belongs to the next item.
"""

import builtins
import logging
import os
import re
from collections.abc import Callable
from io import StringIO
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from core.text_input import UnreadableText, decode

# Each takes NAME_FILE too, and is kept from processes that are not the product.
SECRETS = (
    "SECRET_KEY",
    "FIELD_ENCRYPTION_KEYS",
    "TOKEN_FINGERPRINT_KEY",
    "EVENT_SEAL_KEYS",
    "DATABASE_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "ENTRA_CLIENT_SECRET",
    "AZURE_DEVOPS_PROXIES",
)
_FILE = "_FILE"
SECRET_FILES = tuple(name + _FILE for name in SECRETS)
LONGEST_SECRET = 65536  # bytes
_YES, _NO = ("1", "true", "yes", "on", "y", "ok"), ("0", "false", "no", "off", "n")
_ASSIGNMENT = re.compile(r"\A(?:export )?[A-Za-z_0-9]+=")
_log = logging.getLogger(__name__)
_SEPARATORS = re.compile(r"[,\r\n]")
T = TypeVar("T")


class Environment:
    """Reads one variable at a time. Blanks around a value are no part of it.

    Every method raises `ImproperlyConfigured` with a sentence; none of a secret says its value.
    """

    def str(self, name: builtins.str, default: builtins.str | None = None) -> builtins.str:
        """Text. Without a default the variable is required."""
        value = os.environ.get(name, "").strip() if name in os.environ else default
        if value is None:
            raise ImproperlyConfigured(f"{name} is not set.")
        return value

    def bool(self, name: builtins.str, *, default: builtins.bool) -> builtins.bool:
        """A yes or no; an empty value is the default."""
        value = self.str(name, "").lower()
        if value in _YES or (value.isascii() and value.isdigit() and int(value)):
            return True
        if value and value not in _NO:
            raise ImproperlyConfigured(f"{name} is “{value}”. It is 1 for yes and 0 for no.")
        return False if value else default

    def int(self, name: builtins.str, *, default: builtins.int) -> builtins.int:
        """A whole number; an empty value is the default."""
        value = self.str(name, "")
        return _number(name, value, int) if value else default

    def float(self, name: builtins.str, *, default: builtins.float) -> builtins.float:
        """A number; an empty value is the default."""
        value = self.str(name, "")
        number = _number(name, value, float) if value else default
        if not isfinite(number):
            raise ImproperlyConfigured(f"{name} has “{value}” where a number belongs.")
        return number

    def list(
        self,
        name: builtins.str,
        *,
        default: builtins.list[Any],
        cast: Callable[[builtins.str], Any] = builtins.str,
    ) -> builtins.list[Any]:
        """Items between commas or line ends."""
        return [_number(name, item, cast) for item in _items(os.environ[name])] if name in os.environ else default

    def secret(self, name: builtins.str) -> builtins.str:
        """A secret, or "" when it is not set; of NAME_FILE where that is set."""
        value, path = (os.environ.get(variable, "").strip() for variable in (name, name + _FILE))
        if value and path:
            raise ImproperlyConfigured(f"{name} and {name}{_FILE} are both set. Keep one of them.")
        return _of_file(name + _FILE, Path(path)) if path else value

    def secret_line(self, name: builtins.str) -> builtins.str:
        """A secret that has no line ends."""
        value = self.secret(name)
        if len(value.splitlines()) > 1:
            raise ImproperlyConfigured(f"{name} has more than one line.")
        return value

    def secret_list(self, name: builtins.str) -> builtins.list[builtins.str]:
        """Secrets between commas or line ends."""
        return _items(self.secret(name))


def read_file(path: Path) -> None:
    """Add to the environment what `path` (`.env`, `keys.env`) says and the environment does not.

    Where the environment has a secret, its file in `path` does not count, and the other way round. Windows may have
    written the file.
    """
    if not path.is_file():
        return
    for name in SECRETS:
        # As compose passes on what its own environment does not have.
        if os.environ.get(name) == "":
            del os.environ[name]
    before = set(os.environ)
    Env.read_env(StringIO("\n".join(_assignments(path))))
    for name, file in zip(SECRETS, SECRET_FILES, strict=True):
        for added, present in ((name, file), (file, name)):
            if added not in before and present in before:
                os.environ.pop(added, None)


def _assignments(path: Path) -> list[str]:
    """Its lines. What is none is logged here, without what it says; django-environ would log all of it."""
    try:
        text = _text(path.read_bytes())
    except OSError as problem:
        raise ImproperlyConfigured(f"{path} cannot be read: {problem.strerror}.") from None
    if text is None:
        raise ImproperlyConfigured(f"{path} is no text in UTF-8.")
    lines = [line.strip() for line in text.splitlines()]
    for number, line in enumerate(lines, start=1):
        if line and not line.startswith("#") and not _ASSIGNMENT.match(line):
            _log.warning("Line %d of %s is not of the form NAME=value, and is left out.", number, path)
    return [line for line in lines if _ASSIGNMENT.match(line)]


def _items(text: str) -> list[str]:
    return [item.strip() for item in _SEPARATORS.split(text) if item.strip()]


def _number(name: str, value: str, cast: Callable[[str], T]) -> T:
    try:
        return cast(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} has “{value}” where a number belongs.") from None


def _of_file(variable: str, path: Path) -> str:
    """What is in it. Nothing of it, nor its name, is in an error: somebody may have set the secret itself."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_SECRET + 1)
    except OSError as problem:
        raise ImproperlyConfigured(f"The file that {variable} names cannot be read: {problem.strerror}.") from None
    if len(content) > LONGEST_SECRET:
        raise ImproperlyConfigured(f"The file that {variable} names is longer than {LONGEST_SECRET} bytes.")
    text = _text(content)
    if text is None:
        raise ImproperlyConfigured(f"The file that {variable} names is no text in UTF-8.")
    if not text:
        raise ImproperlyConfigured(f"The file that {variable} names is empty.")
    return text


def _text(content: bytes) -> str | None:
    """As an editor or PowerShell on Windows writes it too; None when it is no text."""
    try:
        return decode(content).strip()
    except UnreadableText:
        return None
