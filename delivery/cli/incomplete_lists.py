"""What verbs that print lists say where Azure DevOps' own list was not read to its end."""

from collections.abc import Collection

from connections.cli.common import LIMITED, WELL, Output

_MOST_NAMED = 10


def warn_of_incomplete(what: str, places: Collection[str], output: Output) -> int:
    """Say where a list of `what` is incomplete, beside what is printed; the exit code of the list."""
    if not places:
        return WELL
    named = sorted(places)
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    where = ", ".join(named[:_MOST_NAMED])
    output.err(f"The list of {what} is incomplete for {where}{more}: it was not read to its end, so there may be more.")
    return LIMITED
