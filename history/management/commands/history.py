"""`manage.py history verify | seal | accept | prune`: for operators and auditors, with --json and exit codes.

Exit codes: 0 all is well · 1 the history does not hold, or is not sealed for that reason · 2 wrong usage ·
4 could not be told, a key is missing. `verify` names the first broken batch and the events in it that were changed,
removed, added or exchanged. What only an anchor kept outside the database can show, it shows with --anchor.
"""

import json
import sys
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.db import OperationalError
from django.utils import timezone

from core.terminal import TerminalCommand
from history import accepting, anchors, pruning, sealing, verifying
from history.findings import Finding, moment
from history.record import COMMAND_LINE
from history.sealing import SealingRefused
from history.verifying import Outcome

BROKEN, WRONG_USAGE, UNTOLD = 1, 2, 4
_SPEAK_EVERY = 100_000
# No day of the calendar lies so far back.
_MOST_DAYS = 365_000
_REVIEW = (
    "Look into these first. If you know the reason, say it with --reason: the events are then sealed as they are now, "
    "and the decision is recorded."
)
# Findings about events that no seal covers; all others are about a batch.
_NOT_OF_A_BATCH = {"never_sealed", "late", "removed", "emptied", "counter"}


class Command(TerminalCommand):
    """Verify, seal, accept and prune the history."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verify = verbs.add_parser("verify", help="Look at every seal")
        verify.add_argument(
            "--anchor",
            action="append",
            default=[],
            metavar="ANCHOR|FILE",
            help="NUMBER:SEAL as it was noted, or a file with some: a saved mail, a log, an anchor file. "
            "What it names must still be there. May be given several times",
        )
        verify.add_argument("--dry-run", action="store_true", help="do not keep the result for the History page")
        seal = verbs.add_parser("seal", help="Seal now what the scheduler would seal within a minute")
        accept = verbs.add_parser("accept", help="Seal what is refused, for a reason that you know; it is recorded")
        accept.add_argument("--reason", default="", help="why; without it, says what would be accepted")
        prune = verbs.add_parser("prune", help="Remove old events by whole sealed batches")
        prune.add_argument("--older-than", type=int, required=True, metavar="DAYS")
        for verb in (verify, seal, accept, prune):
            verb.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Carry out the verb and leave with its exit code."""
        verbs = {"verify": self._verify, "seal": self._seal, "accept": self._accept, "prune": self._prune}
        try:
            code = verbs[options["verb"]](options)
        except (ImproperlyConfigured, anchors.NoAnchor, accepting.NoReason) as wrong:
            raise CommandError(str(wrong), returncode=WRONG_USAGE) from None
        except OperationalError as busy:
            raise CommandError(f"The database is busy or away: {busy}", returncode=UNTOLD) from None
        if code:
            sys.exit(code)

    def _verify(self, options: dict[str, Any]) -> int:
        spoken = 0

        def progress(events: int) -> None:
            nonlocal spoken
            if events - spoken >= _SPEAK_EVERY and not options["json"]:
                spoken = events
                self.stderr.write(f"{events} events looked at")

        now = timezone.now()
        outcome = verifying.verify(now=now, anchors=anchors.read(options["anchor"]), progress=progress)
        if not options["dry_run"]:
            verifying.keep(outcome, now=now)
        self._print(verifying.as_json(outcome), "\n".join(_lines(outcome)), options)
        return _code_of(outcome)

    def _seal(self, options: dict[str, Any]) -> int:
        findings: tuple[Finding, ...] = ()
        try:
            sealed = sealing.seal_waiting(now=timezone.now())
        except SealingRefused as refused:
            sealed, findings = refused.sealed, tuple(refused.findings)
        text = "\n".join([f"{sealed} events sealed.", *_refusal(findings)])
        self._print({"sealed": sealed, "findings": [asdict(finding) for finding in findings]}, text, options)
        return BROKEN if findings else 0

    def _accept(self, options: dict[str, Any]) -> int:
        now = timezone.now()
        if not options["reason"]:
            return self._review(accepting.review(now=now), options)
        try:
            decision = accepting.accept(reason=options["reason"], by=COMMAND_LINE, now=now)
        except accepting.NothingToAccept:
            self._print({"accepted": [], "sealed": 0}, "There is nothing to accept.", options)
            return 0
        outcome = verifying.verify(now=now)
        verifying.keep(outcome, now=now)
        said = [
            "Accepted, and recorded in the history:",
            *_listed(decision.findings),
            f"{decision.sealed} events sealed. Anchor: {decision.anchor}",
        ]
        found = {"accepted": [asdict(finding) for finding in decision.findings], "sealed": decision.sealed}
        text = "\n".join([*said, *([] if outcome.holds else _broken(outcome))])
        self._print(found | {"anchor": decision.anchor, "holds": outcome.holds}, text, options)
        return _code_of(outcome)

    def _review(self, findings: list[Finding], options: dict[str, Any]) -> int:
        text = "There is nothing to accept."
        if findings:
            words = (
                "Look into these first. If you know the reason, say it with --reason; events are then sealed as they"
            )
            text = "\n".join([f"{words} are now, and your decision is recorded.", *_listed(findings)])
        self._print({"findings": [asdict(finding) for finding in findings]}, text, options)
        return BROKEN if findings else 0

    def _prune(self, options: dict[str, Any]) -> int:
        if not 1 <= options["older_than"] <= _MOST_DAYS:
            raise CommandError(f"--older-than takes at least one day and at most {_MOST_DAYS}.", returncode=WRONG_USAGE)
        older_than = timedelta(days=options["older_than"])
        pruned = pruning.prune(older_than=older_than, by=COMMAND_LINE, now=timezone.now())
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


def _code_of(outcome: Outcome) -> int:
    if outcome.holds:
        return 0
    return UNTOLD if outcome.untold else BROKEN


def _refusal(findings: tuple[Finding, ...]) -> list[str]:
    if not findings:
        return []
    remedy = 'When you know the reason: manage.py history accept --reason "…"'
    return ["The rest is not sealed, because something is wrong:", *_listed(findings), remedy]


def _lines(outcome: Outcome) -> list[str]:
    lines = [f"{outcome.events} events in {outcome.batches} batches looked at, {outcome.unsealed} not sealed yet."]
    if outcome.pruned:
        lines.append(f"{outcome.pruned} older events were pruned and left a checkpoint.")
    lines += ["Every seal holds."] if outcome.holds else _broken(outcome)
    lines += [f"Note: {note}" for note in outcome.notes]
    if outcome.is_anchor_proven and outcome.held_event_at:
        reach = f"up to event {outcome.held_event_id}, {moment(outcome.held_event_at)}"
        lines.append(f"Anchor {outcome.anchor_held} fits: everything {reach}, is what it was when that was noted.")
    elif outcome.holds:
        lines.append(
            "No anchor was compared: events and seals removed together from the end, an older state of the database "
            "put back, and a history sealed anew with the key show only by an anchor kept outside the database."
        )
    if outcome.anchor:
        lines.append(f"To be kept outside the database: --anchor {outcome.anchor}")
    return lines


def _broken(outcome: Outcome) -> list[str]:
    count = outcome.broken_batches
    more = f", the first {len(outcome.findings)} of them" if count > len(outcome.findings) else ""
    return [f"The history does not hold: {count} finding{'' if count == 1 else 's'}{more}.", *_listed(outcome.findings)]


def _listed(findings: list[Finding] | tuple[Finding, ...]) -> list[str]:
    return [f"  {_place(finding)}: {finding.words} [{finding.kind}]" for finding in findings]


def _place(finding: Finding) -> str:
    return "not sealed" if finding.kind in _NOT_OF_A_BATCH else f"batch {finding.batch}"
