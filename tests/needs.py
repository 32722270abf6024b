"""What a test needs from the machine. A lack is a skip with one clear line; with REQUIRE_ALL=1 it is a failure."""

import os
from pathlib import Path

import pytest

REFERENCE_VARIABLE = "AZURE_DEVOPS_REFERENCE"


def need(*, found: bool, lacking: str, remedy: str) -> None:
    """Skip the calling test when something is lacking, or fail it when nothing may be skipped."""
    if found:
        return
    sentence = f"{lacking} is missing: {remedy}"
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def reference_folder(part: str) -> Path:
    """The folder `part` ("openapi" or "recordings") of the Azure DevOps reference material."""
    root = os.environ.get(REFERENCE_VARIABLE, "")
    folder = Path(root) / part
    need(
        found=bool(root) and folder.is_dir(),
        lacking=f"The Azure DevOps reference material ({part})",
        remedy=f"set {REFERENCE_VARIABLE} to the folder that holds openapi/ and recordings/",
    )
    return folder
