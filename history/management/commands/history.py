"""`manage.py history verify | seal | accept | prune`: for operators and auditors, with --json.

Exit codes: 0 success · 1 verification failed, or events are not sealed because something is wrong · 2 wrong usage ·
4 unknown, because a key is missing. `verify` names the first broken batch and which of its events were changed,
removed, added or replaced. Some tampering shows only by comparing with an anchor kept outside the database: --anchor.
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

BROKEN, WRONG_USAGE, UNKNOWN = 1, 2, 4
_PROGRESS_EVERY = 100_000
# Further back there is no valid date.
_MOST_DAYS = 365_000
_REVIEW = (
    "Investigate these first. If you know the reason, repeat the command with --reason: the events are then sealed as "
    "they are now, and your decision is recorded."
)
_NOTHING_TO_ACCEPT = "There is nothing to accept."
# Findings about events that no seal covers. All others are about a batch.
_NOT_OF_A_BATCH = {"never_sealed", "late", "removed", "emptied", "counter"}


class Command(TerminalCommand):
    """Verifies, seals and prunes the history, and accepts events that are not sealed automatically."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add one subcommand for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verify = verbs.add_parser("verify", help="Verify every seal")
        verify.add_argument(
            "--anchor",
            action="append",
            default=[],
            metavar="ANCHOR|FILE",
            help="an anchor NUMBER:SEAL to compare with, or a file that contains anchors: a saved mail, a log, an "
            "anchor file; may be repeated",
        )
        verify.add_argument("--dry-run", action="store_true", help="do not store the result for the History page")
        seal = verbs.add_parser("seal", help="Seal now instead of within a minute")
        accept = verbs.add_parser("accept", help="Seal events that are not sealed automatically, and record why")
        accept.add_argument("--reason", default="", help="why; without it, lists what would be accepted")
        prune = verbs.add_parser("prune", help="Remove old events, in whole sealed batches")
        prune.add_argument("--older-than", type=int, required=True, metavar="DAYS")
        for verb in (verify, seal, accept, prune):
            verb.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the verb and exit with its code."""
        verbs = {"verify": self._verify, "seal": self._seal, "accept": self._accept, "prune": self._prune}
        try:
            code = verbs[options["verb"]](options)
        except (ImproperlyConfigured, anchors.NoAnchor, accepting.NoReason) as error:
            raise CommandError(str(error), returncode=WRONG_USAGE) from None
        except OperationalError as error:
            raise CommandError(f"The database is busy or unavailable: {error}", returncode=UNKNOWN) from None
        if code:
            sys.exit(code)

    def _verify(self, options: dict[str, Any]) -> int:
        reported = 0

        def progress(events: int) -> None:
            nonlocal reported
            if events - reported >= _PROGRESS_EVERY and not options["json"]:
                reported = events
                self.stderr.write(f"{events} events verified")

        now = timezone.now()
        outcome = verifying.verify(now=now, anchors=anchors.read(options["anchor"]), progress=progress)
        if not options["dry_run"]:
            verifying.store_result(outcome, now=now)
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
            self._print({"accepted": [], "sealed": 0}, _NOTHING_TO_ACCEPT, options)
            return 0
        outcome = verifying.verify(now=now)
        verifying.store_result(outcome, now=now)
        lines = [
            "Accepted, and recorded in the history:",
            *_listed(decision.findings),
            f"{decision.sealed} events sealed. Anchor: {decision.anchor}",
        ]
        value = {"accepted": [asdict(finding) for finding in decision.findings], "sealed": decision.sealed}
        text = "\n".join([*lines, *([] if outcome.holds else _broken(outcome))])
        self._print(value | {"anchor": decision.anchor, "holds": outcome.holds}, text, options)
        return _code_of(outcome)

    def _review(self, findings: list[Finding], options: dict[str, Any]) -> int:
        text = "\n".join([_REVIEW, *_listed(findings)]) if findings else _NOTHING_TO_ACCEPT
        self._print({"findings": [asdict(finding) for finding in findings]}, text, options)
        return BROKEN if findings else 0

    def _prune(self, options: dict[str, Any]) -> int:
        if not 1 <= options["older_than"] <= _MOST_DAYS:
            raise CommandError(f"--older-than must be from 1 to {_MOST_DAYS} days.", returncode=WRONG_USAGE)
        older_than = timedelta(days=options["older_than"])
        pruned = pruning.prune(older_than=older_than, by=COMMAND_LINE, now=timezone.now())
        text = f"{pruned.events} events in {pruned.batches} sealed batches pruned."
        broken = pruned.stopped_by
        if broken:
            text += f" Batch {broken.batch} failed verification and was kept, with all later batches. {broken.words}"
        self._print(asdict(pruned), text, options)
        if broken is None:
            return 0
        return UNKNOWN if broken.kind == "key_missing" else BROKEN

    def _print(self, value: object, text: str, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(value, indent=2) if options["json"] else text)


def _code_of(outcome: Outcome) -> int:
    if outcome.holds:
        return 0
    return UNKNOWN if outcome.is_unknown else BROKEN


def _refusal(findings: tuple[Finding, ...]) -> list[str]:
    if not findings:
        return []
    remedy = 'If you know the reason, run: manage.py history accept --reason "…"'
    return ["The other events were not sealed, because something is wrong:", *_listed(findings), remedy]


def _lines(outcome: Outcome) -> list[str]:
    lines = [f"{outcome.events} events in {outcome.batches} batches verified, {outcome.unsealed} not sealed yet."]
    if outcome.pruned:
        lines.append(f"{outcome.pruned} older events were pruned; a checkpoint replaces them.")
    lines += ["Every seal is valid."] if outcome.holds else _broken(outcome)
    lines += [f"Note: {note}" for note in outcome.notes]
    if outcome.is_anchor_proven and outcome.held_event_at:
        reach = f"up to event {outcome.held_event_id}, {moment(outcome.held_event_at)}"
        lines.append(f"Anchor {outcome.anchor_held} matches: nothing {reach}, has changed since the anchor was made.")
    elif outcome.holds:
        lines.append(
            "No anchor was compared. Only an anchor kept outside the database shows whether the newest events were "
            "removed with their seals, an older state of the database was restored, or the history was sealed again "
            "with a stolen key."
        )
    if outcome.anchor:
        lines.append(f"Keep this anchor outside the database: --anchor {outcome.anchor}")
    return lines


def _broken(outcome: Outcome) -> list[str]:
    count = outcome.broken_batches
    more = f", the first {len(outcome.findings)} of them" if count > len(outcome.findings) else ""
    first = f"Verification failed: {count} finding{'' if count == 1 else 's'}{more}."
    return [first, *_listed(outcome.findings)]


def _listed(findings: list[Finding] | tuple[Finding, ...]) -> list[str]:
    return [f"  {_place(finding)}: {finding.words} [{finding.kind}]" for finding in findings]


def _place(finding: Finding) -> str:
    return "not sealed" if finding.kind in _NOT_OF_A_BATCH else f"batch {finding.batch}"
