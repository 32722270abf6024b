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
from connections.cli.common import LIMITED, OPERATOR, REFUSED, UNKNOWN, USAGE, WELL, Options, Output, find
from connections.domain.calibration import VALID, Calibration, Comparison, Result, Told, levels, token_states
from connections.domain.problems import catalogue
from connections.providers.organization import Place


def add_arguments(verbs: Any) -> Iterator[argparse.ArgumentParser]:
    """The parser of this verb."""
    parser = verbs.add_parser("calibrate", help="Compare Azure DevOps' answers with what is expected of it")
    parser.add_argument("name")
    for area, known in levels().items():
        parser.add_argument(f"--{area}", choices=known, help="the highest scope of the token; asked for without it")
    parser.add_argument("--token-state", choices=token_states("organization"), default=VALID, help="what the token is")
    parser.add_argument("--output", metavar="FILE", help="where to save; calibration-DATE.json without it")
    parser.add_argument("--yes", action="store_true", help="save without asking")
    yield parser


def calibrate_one(options: Options, output: Output) -> int:
    """Exit code 3 when an answer was unexpected, 4 when one did not come."""
    connection = find(options["name"])
    place = clients.place_of(connection.server)
    saves = bool(options["yes"] or sys.stdin.isatty())
    if options["output"] and not saves:
        raise CommandError("Nobody can be asked whether to save here; add --yes.", returncode=USAGE)
    told = _told(options, output)
    target = Path(options["output"] or f"calibration-{timezone.localdate()}.json")
    if saves and target.exists():
        raise CommandError(f"{target} exists. Name another file with --output.", returncode=USAGE)
    found = calibrate(connection, told, by=OPERATOR, now=timezone.now())
    if not output.as_json:
        output.out("\n".join([*(_line(comparison, place) for comparison in found.comparisons), ""]))
    output.out(found.file())
    saved = not saves or not (options["yes"] or _is_yes(output, target)) or _save(target, found, output)
    return _exit_code(found) if saved else REFUSED


def _told(options: Options, output: Output) -> Told:
    """What the options say of the token, and the person where they say nothing."""
    if options["token_state"] != VALID:
        return Told(options["token_state"])
    said = {area: options[area] or _ask(area, known, output) for area, known in levels().items()}
    return Told(**said)


def _ask(area: str, known: Sequence[str], output: Output) -> str:
    while sys.stdin.isatty():
        output.err(f"{catalogue.AREA_LABELS[area]}: the token has which scope? {', '.join(known)}")
        line = sys.stdin.readline()
        if line.strip().lower() in known:
            return line.strip().lower()
        if not line:
            break
    raise CommandError(f"Say with --{area} which scope the token has: {', '.join(known)}.", returncode=USAGE)


def _line(comparison: Comparison, place: Place) -> str:
    how = {
        Result.AS_EXPECTED: "as expected",
        Result.DIFFERENT: f"different in {comparison.points or 'everything'}",
        Result.NO_ANSWER: f"no answer: {_reason(comparison, place)}",
        Result.NOT_ASKED: f"not asked: {_reason(comparison, place)}",
    }
    return f"{comparison.request.title}: {how[comparison.result]}"


def _reason(comparison: Comparison, place: Place) -> str:
    return catalogue.problem(comparison.reason, place=place).title


def _is_yes(output: Output, target: Path) -> bool:
    output.err(f"Save this as {target}? [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _save(target: Path, found: Calibration, output: Output) -> bool:
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(found.file())
    except OSError as wrong:
        output.err(f"{target} could not be written: {wrong.strerror}.")
        return False
    output.err(f"Saved as {target}.")
    return True


def _exit_code(found: Calibration) -> int:
    if found.with_result(Result.DIFFERENT):
        return LIMITED
    return UNKNOWN if found.with_result(Result.NO_ANSWER) else WELL
