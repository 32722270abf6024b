"""The base of our commands: whatever they print goes through one writer, which passes no control characters on."""

from collections.abc import Callable
from typing import Any, TextIO, cast

from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from core.control_characters import without_control_characters


class TerminalOutput(OutputWrapper):
    """What a command writes to, error messages of Django's included. Colours are added after the text is cleaned."""

    # Django's stubs declare OutputWrapper as a text stream, whose write it does not follow either.
    def write(self, msg: str = "", style_func: Callable[[str], str] | None = None, ending: str | None = None) -> None:  # type: ignore[override]
        """Write the text and end the line."""
        super().write(without_control_characters(str(msg)), style_func, ending)


class TerminalCommand(BaseCommand):
    """A command whose output may hold names and texts of others, which is every command."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.stdout = _wrapped(self.stdout)
        self.stderr = _wrapped(self.stderr)
        self.stderr.style_func = self.style.ERROR

    def execute(self, *args: Any, **options: Any) -> str | None:
        """As Django does, with our writer also around streams that a caller gives. Raises `CommandError`."""
        given = {name: options.pop(name, None) for name in ("stdout", "stderr")}
        if given["stdout"]:
            self.stdout = TerminalOutput(given["stdout"])
        if given["stderr"]:
            self.stderr = TerminalOutput(given["stderr"])
        try:
            return super().execute(*args, **options)
        except CommandError as wrong:
            # Whoever called the command from code prints it.
            wrong.args = tuple(without_control_characters(str(words)) for words in wrong.args)
            raise


def _wrapped(output: OutputWrapper) -> TerminalOutput:
    return TerminalOutput(cast("TextIO", output._out))  # noqa: SLF001  (Django gives no other way to replace it)
