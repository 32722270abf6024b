"""`python -m benchmarks.child ROW [--short]`: run one benchmark, and print its results as lines of JSON."""

import argparse
import json
from importlib import import_module

from benchmarks.place import set_up


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("row")
    parser.add_argument("--short", action="store_true")
    given = parser.parse_args()
    set_up()
    for measured in import_module(f"benchmarks.rows.{given.row}").measure(short=given.short):
        print(json.dumps(measured.as_json()), flush=True)


if __name__ == "__main__":
    main()
