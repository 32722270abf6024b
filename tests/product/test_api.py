"""The section "API" of the README, word for word: every command of it, in a shell beside `make run`."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import need
from tests.product.running import ROOT, Start, copy_checkout, persons_environment

pytestmark = [pytest.mark.product, pytest.mark.xdist_group("product")]
_SECTION = (ROOT / "README.md").read_text().split("\n## API\n", 1)[1].split("\n## ", 1)[0]


def commands() -> str:
    """What stands in the section's blocks."""
    return "\n".join(line[4:] for line in _SECTION.splitlines() if line.startswith("    ") or not line)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    need(found=Path("/usr/bin/curl").exists(), lacking="curl", remedy="apt-get install curl")
    running = Start(copy_checkout(tmp_path_factory.mktemp("product") / "checkout"))
    try:
        yield running.up()
    finally:
        running.close()


def test_the_section_does_what_it_says(start: Start) -> None:
    lines = commands()
    # What the terminal printed, where a person would paste it.
    for name, sample in (("FULL", "full"), ("FULL_AGAIN", "full-again")):
        token = start.said(rf"^{sample} +acme .*\n +(\w{{84}})$")
        lines, count = re.subn(rf"^{name}='.*'$", f"{name}={token}", lines, flags=re.MULTILINE)
        assert count == 1
    lines = lines.replace("http://127.0.0.1:8000", start.url)
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines],
        cwd=start.folder,
        env=persons_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    assert '"name": "Acme by API"' in ended.stdout
    assert '"has_passed": true' in ended.stdout
    assert '"same_person": true' in ended.stdout
    assert '"state": "finished"' in ended.stdout
    assert '"is_over": true' in ended.stdout
    assert start.said(r"^full +acme .*\n +(\w{84})$") not in ended.stdout
