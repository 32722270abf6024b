"""`python -m benchmarks [ROW ...] [--short] [--json FILE]`: measure, print a table, write JSON.

`python -m benchmarks against COMMIT` compares audits with those of another commit.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import against
from benchmarks.place import ROOT, make_tables, place
from benchmarks.result import Measured

# The benchmarks, with the databases on which they run.
ROWS = {
    "connecting": ("sqlite",),
    "lists": ("sqlite", "postgresql"),
    "histories": ("sqlite", "postgresql"),
    "reminding": ("sqlite",),
    "registering": ("sqlite", "postgresql"),
    "importing": ("sqlite", "postgresql"),
    "auditing": ("sqlite",),
    "claiming": ("sqlite", "postgresql"),
    "workers": ("postgresql",),
    "crowds": ("sqlite",),
    "pages": ("sqlite",),
    "visiting": ("sqlite",),
    "starting": ("sqlite",),
    "testing": ("sqlite",),
    "patterns": ("sqlite",),
    "metrics": ("sqlite", "postgresql"),
    "programs": ("sqlite", "postgresql"),
    "identities": ("sqlite",),
    "official": ("sqlite", "postgresql"),
}


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"one of {', '.join(ROWS)}; all by default")
    parser.add_argument("--short", action="store_true", help="use small numbers, only to check that everything runs")
    parser.add_argument("--json", type=Path, default=ROOT / "var" / "benchmarks.json", metavar="FILE")
    given = parser.parse_args()
    if unknown := set(given.rows) - set(ROWS):
        parser.error(f"there is no benchmark named {', '.join(sorted(unknown))}")
    return given


def run(row: str, database: str, tables: Path, *, short: bool) -> list[Measured]:
    """Run one benchmark on one database, in a process of its own. SQLite gets a copy of the tables in a file."""
    command = [sys.executable, "-m", "benchmarks.child", row, *(["--short"] if short else [])]
    with place(database) as environment:
        environment["DJANGO_SETTINGS_MODULE"] = "orchestrator.settings"
        if database == "sqlite":
            make_tables(environment, tables)
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return [_measured(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _measured(line: str) -> Measured:
    found: dict[str, Any] = json.loads(line)
    found.pop("met")
    return Measured(**found)


def main() -> None:
    """Run the requested benchmarks. A missed goal is reported, but is not an error."""
    if sys.argv[1:2] == ["against"]:
        against.main(sys.argv[2:])
        return
    given = arguments()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    report: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine, "rows": []}
    print(machine, flush=True)
    with TemporaryDirectory(prefix="bench-tables-") as folder:
        for row, database in [(name, vendor) for name in given.rows or ROWS for vendor in ROWS[name]]:
            for measured in run(row, database, Path(folder, "db.sqlite3"), short=given.short):
                print(f"{measured.as_line()} [{database}]", flush=True)
                report["rows"].append(measured.as_json() | {"database": database})
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"Written to {given.json}.")


if __name__ == "__main__":
    main()
