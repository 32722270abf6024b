"""Read settings from the environment and `.env`, and secrets also from a file that NAME_FILE names.

Does not use the casts of `environ.Env`, which takes a value that begins with `$` for the name of another variable, and
keeps a space after a comma as part of the next item.
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

# Each can also be set as NAME_FILE, and is not passed on to other programs.
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
    "AZURE_DEVOPS_ENTRA_PROXY",
    "TOKEN_RENEWAL_CLIENT_SECRET",
    "IDENTITY_HEADER",
    "METRICS_TOKEN",
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
    """Reads one variable at a time, and strips spaces around its value.

    Every method raises `ImproperlyConfigured` with a message; the message never contains the value of a secret.
    """

    def str(self, name: builtins.str, default: builtins.str | None = None) -> builtins.str:
        """Text. Without a default, the variable is required."""
        value = os.environ.get(name, "").strip() if name in os.environ else default
        if value is None:
            raise ImproperlyConfigured(f"{name} is not set.")
        return value

    def bool(self, name: builtins.str, *, default: builtins.bool) -> builtins.bool:
        """A boolean; an empty value means the default."""
        value = self.str(name, "").lower()
        if value in _YES or (value.isascii() and value.isdigit() and int(value)):
            return True
        if value and value not in _NO:
            raise ImproperlyConfigured(f"{name} is “{value}”. Set it to 1 for yes or 0 for no.")
        return False if value else default

    def int(self, name: builtins.str, *, default: builtins.int) -> builtins.int:
        """A whole number; an empty value means the default."""
        value = self.str(name, "")
        return _number(name, value, int) if value else default

    def float(self, name: builtins.str, *, default: builtins.float) -> builtins.float:
        """A number; an empty value means the default."""
        value = self.str(name, "")
        number = _number(name, value, float) if value else default
        if not isfinite(number):
            raise ImproperlyConfigured(f"{name} contains “{value}”, which is not a number.")
        return number

    def list(
        self,
        name: builtins.str,
        *,
        default: builtins.list[Any],
        cast: Callable[[builtins.str], Any] = builtins.str,
    ) -> builtins.list[Any]:
        """Items separated by commas or line ends."""
        return [_number(name, item, cast) for item in _items(os.environ[name])] if name in os.environ else default

    def secret(self, name: builtins.str) -> builtins.str:
        """A secret, read from NAME_FILE if that is set; "" if neither is set."""
        value, path = (os.environ.get(variable, "").strip() for variable in (name, name + _FILE))
        if value and path:
            raise ImproperlyConfigured(f"{name} and {name}{_FILE} are both set. Set only one of them.")
        return _secret_in_file(name + _FILE, Path(path)) if path else value

    def secret_line(self, name: builtins.str) -> builtins.str:
        """A secret of one line."""
        value = self.secret(name)
        if len(value.splitlines()) > 1:
            raise ImproperlyConfigured(f"{name} must have only one line.")
        return value

    def secret_list(self, name: builtins.str) -> builtins.list[builtins.str]:
        """Secrets separated by commas or line ends."""
        return _items(self.secret(name))


def read_file(path: Path) -> None:
    """Add the variables of the file `path` (`.env` or `keys.env`) that are not in the environment.

    If the environment has a secret, NAME_FILE of `path` is ignored, and vice versa. The file may come from Windows.
    """
    if not path.is_file():
        return
    for name in SECRETS:
        # Compose passes on variables that are not set as empty ones.
        if os.environ.get(name) == "":
            del os.environ[name]
    before = set(os.environ)
    Env.read_env(StringIO("\n".join(_assignments(path))))
    for name, file in zip(SECRETS, SECRET_FILES, strict=True):
        for added, present in ((name, file), (file, name)):
            if added not in before and present in before:
                os.environ.pop(added, None)


def _assignments(path: Path) -> list[str]:
    """The assignments of the file. Logs other lines by number only; django-environ would log their content."""
    try:
        text = _text(path.read_bytes())
    except OSError as error:
        raise ImproperlyConfigured(f"{path} cannot be read: {error.strerror}.") from None
    if text is None:
        raise ImproperlyConfigured(f"{path} is not a text file in UTF-8.")
    lines = [line.strip() for line in text.splitlines()]
    for number, line in enumerate(lines, start=1):
        if line and not line.startswith("#") and not _ASSIGNMENT.match(line):
            _log.warning("Line %d of %s does not have the form NAME=value and is ignored.", number, path)
    return [line for line in lines if _ASSIGNMENT.match(line)]


def _items(text: str) -> list[str]:
    return [item.strip() for item in _SEPARATORS.split(text) if item.strip()]


def _number(name: str, value: str, cast: Callable[[str], T]) -> T:
    try:
        return cast(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} contains “{value}”, which is not a number.") from None


def _secret_in_file(variable: str, path: Path) -> str:
    """The content of the file. Errors don't contain its name: the variable may hold the secret itself by mistake."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_SECRET + 1)
    except OSError as error:
        raise ImproperlyConfigured(f"The file that {variable} names cannot be read: {error.strerror}.") from None
    if len(content) > LONGEST_SECRET:
        raise ImproperlyConfigured(f"The file that {variable} names is longer than {LONGEST_SECRET} bytes.")
    text = _text(content)
    if text is None:
        raise ImproperlyConfigured(f"The file that {variable} names is not a text file in UTF-8.")
    if not text:
        raise ImproperlyConfigured(f"The file that {variable} names is empty.")
    return text


def _text(content: bytes) -> str | None:
    """The text, in any encoding that Windows writes; None if it is not text."""
    try:
        return decode(content).strip()
    except UnreadableText:
        return None
