"""The warning of commands that print lists when Azure DevOps' own list could not be read completely."""

from collections.abc import Collection

from connections.cli.common import ExitCode, Output

_MOST_NAMED = 10


def warn_of_incomplete(items: str, containers: Collection[str], output: Output) -> ExitCode:
    """Name on standard error the containers whose list of `items` is incomplete; the exit code of the command."""
    if not containers:
        return ExitCode.OK
    names = sorted(containers)
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    where = ", ".join(names[:_MOST_NAMED])
    output.err(f"The list of {items} is incomplete for {where}{more}: not all pages could be read.")
    return ExitCode.LIMITED
