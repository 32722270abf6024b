"""`manage.py history verify | seal | prune`: for operators and auditors, with --json and honest exit codes.

Exit codes: 0 all is well · 1 the history does not hold · 2 wrong usage · 4 could not be told, a key is missing.
`verify` names the first broken batch and the events in it that were changed, removed, added or exchanged.
"""

import json
import sys
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from history import pruning, sealing, verifying
from history.record import Actor
from history.verifying import Outcome

BROKEN, WRONG_USAGE, UNTOLD = 1, 2, 4
_SPEAK_EVERY = 100_000


class Command(BaseCommand):
    """Verify, seal and prune the history."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verify = verbs.add_parser("verify", help="Look at every seal")
        verify.add_argument(
            "--anchor", default="", help="NUMBER:SEAL as noted or logged before; it must still be there"
        )
        verify.add_argument("--dry-run", action="store_true", help="do not keep the result for the History page")
        seal = verbs.add_parser("seal", help="Seal now what the clock would seal within a minute")
        prune = verbs.add_parser("prune", help="Remove old events by whole sealed batches")
        prune.add_argument("--older-than", type=int, required=True, metavar="DAYS")
        for verb in (verify, seal, prune):
            verb.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Carry out the verb and leave with its exit code."""
        verbs = {"verify": self._verify, "seal": self._seal, "prune": self._prune}
        try:
            code = verbs[options["verb"]](options)
        except ImproperlyConfigured as wrong:
            raise CommandError(str(wrong), returncode=WRONG_USAGE) from None
        if code:
            sys.exit(code)

    def _verify(self, options: dict[str, Any]) -> int:
        spoken = 0

        def progress(events: int) -> None:
            nonlocal spoken
            if events - spoken >= _SPEAK_EVERY and not options["json"]:
                spoken = events
                self.stderr.write(f"{events} events looked at")

        try:
            outcome = verifying.verify(anchor=options["anchor"], progress=progress)
        except ValueError:
            raise CommandError("An anchor looks like 12:0f3a…, as the log has it.", returncode=WRONG_USAGE) from None
        if not options["dry_run"]:
            verifying.keep(outcome, now=timezone.now())
        self._print(verifying.as_json(outcome), "\n".join(_lines(outcome)), options)
        if outcome.holds:
            return 0
        return UNTOLD if outcome.untold else BROKEN

    def _seal(self, options: dict[str, Any]) -> int:
        sealed = sealing.seal_waiting(now=timezone.now())
        self._print({"sealed": sealed}, f"{sealed} events sealed.", options)
        return 0

    def _prune(self, options: dict[str, Any]) -> int:
        if options["older_than"] < 1:
            raise CommandError("--older-than takes at least one day.", returncode=WRONG_USAGE)
        older_than = timedelta(days=options["older_than"])
        pruned = pruning.prune(older_than=older_than, by=Actor(name="command line"), now=timezone.now())
        words = f"{pruned.events} events in {pruned.batches} sealed batches pruned."
        broken = pruned.stopped_by
        if broken:
            words += f" Batch {broken.batch} does not hold and is kept, with all after it. {broken.words}"
        self._print(asdict(pruned), words, options)
        if broken is None:
            return 0
        return UNTOLD if broken.kind == "key_missing" else BROKEN

    def _print(self, value: object, text: str, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(value, indent=2) if options["json"] else text)


def _lines(outcome: Outcome) -> list[str]:
    lines = [f"{outcome.events} events in {outcome.batches} batches looked at, {outcome.unsealed} not sealed yet."]
    if outcome.pruned:
        lines.append(f"{outcome.pruned} older events were pruned and left a checkpoint.")
    if outcome.holds:
        lines.append("Every seal holds.")
    else:
        first = outcome.findings[0]
        lines.append(f"The first broken batch is {first.batch}. {outcome.broken_batches} in all do not hold:")
        lines += [f"  batch {one.batch}: {one.words} [{one.kind}]" for one in outcome.findings]
    lines += [f"Note: {note}" for note in outcome.notes]
    if outcome.anchor:
        lines.append(f"To be noted elsewhere: --anchor {outcome.anchor}")
    return lines
