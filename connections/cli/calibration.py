"""calibrate: compare Azure DevOps' answers with what is expected, and save the differences."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from connections import clients
from connections.actions.calibrate import calibrate
from connections.cli.common import ExitCode, Options, Output, find
from connections.domain.calibration import VALID, Calibration, Comparison, Result, Told, levels, token_states
from connections.domain.problems import catalogue
from connections.providers.organization import Place
from history.record import COMMAND_LINE


def add_arguments(verbs: Any) -> Iterator[argparse.ArgumentParser]:
    """Add the parser of this verb."""
    parser = verbs.add_parser("calibrate", help="Compare Azure DevOps' answers with what is expected of it")
    parser.add_argument("name")
    for area, known in levels().items():
        parser.add_argument(f"--{area}", choices=known, help="the token's highest scope; you are asked if left out")
    parser.add_argument(
        "--token-state",
        choices=token_states("organization"),
        default=VALID,
        help="whether the token is valid, or why not",
    )
    parser.add_argument("--output", metavar="FILE", help="file to save (calibration-DATE.json)")
    parser.add_argument("--yes", action="store_true", help="save without asking")
    yield parser


def calibrate_one(options: Options, output: Output) -> int:
    """Compare and save; LIMITED if an answer was unexpected, UNKNOWN if one did not arrive."""
    connection = find(options["name"])
    place = clients.place_of(connection.server)
    saves = bool(options["yes"] or sys.stdin.isatty())
    if options["output"] and not saves:
        raise CommandError("There is no terminal to confirm saving. Add --yes.", returncode=ExitCode.USAGE)
    token_scopes = _token_scopes(options, output)
    target = Path(options["output"] or f"calibration-{timezone.localdate()}.json")
    if saves and target.exists():
        raise CommandError(f"{target} exists. Choose another file with --output.", returncode=ExitCode.USAGE)
    calibration = calibrate(connection, token_scopes, by=COMMAND_LINE, now=timezone.now())
    if not output.as_json:
        output.out("\n".join([*(_line(comparison, place) for comparison in calibration.comparisons), ""]))
    output.out(calibration.file())
    is_wanted = saves and (options["yes"] or _is_confirmed(output, target))
    if is_wanted and not _save(target, calibration, output):
        return ExitCode.REFUSED
    return _exit_code(calibration)


def _token_scopes(options: Options, output: Output) -> Told:
    """What the options say about the token; asks at the terminal for what they leave out."""
    if options["token_state"] != VALID:
        return Told(options["token_state"])
    return Told(**{area: options[area] or _ask(area, known, output) for area, known in levels().items()})


def _ask(area: str, known: Sequence[str], output: Output) -> str:
    while sys.stdin.isatty():
        output.err(f"{catalogue.AREA_LABELS[area]}: which scope does the token have? {', '.join(known)}")
        line = sys.stdin.readline()
        if line.strip().lower() in known:
            return line.strip().lower()
        if not line:
            break
    raise CommandError(f"Add --{area} with the token's scope: {', '.join(known)}.", returncode=ExitCode.USAGE)


def _line(comparison: Comparison, place: Place) -> str:
    results = {
        Result.AS_EXPECTED: "as expected",
        Result.DIFFERENT: f"different in {comparison.points or 'everything'}",
        Result.NO_ANSWER: f"no answer: {_reason(comparison, place)}",
        Result.NOT_ASKED: f"not sent: {_reason(comparison, place)}",
    }
    return f"{comparison.request.title}: {results[comparison.result]}"


def _reason(comparison: Comparison, place: Place) -> str:
    return catalogue.problem(comparison.reason, place=place).title


def _is_confirmed(output: Output, target: Path) -> bool:
    output.err(f"Save this as {target}? [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _save(target: Path, calibration: Calibration, output: Output) -> bool:
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(calibration.file())
    except OSError as error:
        output.err(f"{target} could not be written: {error.strerror}.")
        return False
    output.err(f"Saved as {target}.")
    return True


def _exit_code(calibration: Calibration) -> ExitCode:
    if calibration.with_result(Result.DIFFERENT):
        return ExitCode.LIMITED
    return ExitCode.UNKNOWN if calibration.with_result(Result.NO_ANSWER) else ExitCode.OK
