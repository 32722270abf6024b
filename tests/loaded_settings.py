"""The settings as they are with a given environment, and the names of the variables that they read."""

import gc
import os
import re
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from orchestrator.environment import read_file

ROOT = Path(__file__).resolve().parents[1]
MODULES = ("settings.py", "sign_in_settings.py", "start_settings.py")
_READ = re.compile(r"""\b(?:env|Environment\(\))\.(\w+)\(\s*["']([A-Z_]+)["']""")
# Only `tests/settings.py` sets it.
NOT_FOR_OPERATORS = {"STATIC_MANIFEST"}
KEYS = {
    "SECRET_KEY": "only-for-tests-and-long-enough-to-pass-the-deploy-check-0123456789",
    "FIELD_ENCRYPTION_KEYS": "dGVzdHMtb25seS1rZXktMTIzNDU2Nzg5MDEyMzQ1Njc4OTA=",
    "TOKEN_FINGERPRINT_KEY": "dGVzdHMtb25seS1maW5nZXJwcmludC1rZXktMTIzNDU2Nzg=",
    "EVENT_SEAL_KEYS": "dGVzdHMtb25seS1ldmVudC1zZWFsLWtleS0xMjM0NTY3ODk=",
}
ENTRA = {"ENTRA_TENANT_ID": "0a1b2c3d-0000-4000-8000-000000000000", "ENTRA_CLIENT_ID": "client"}


def names_read(*methods: str) -> set[str]:
    """Every variable, or those that are read by one of these methods of `Environment`."""
    found = {pair for module in MODULES for pair in _READ.findall((ROOT / "orchestrator" / module).read_text())}
    return {name for method, name in found if not methods or method in methods} - NOT_FOR_OPERATORS


def loaded_settings(environment: Mapping[str, str], *, file: Path | None = None) -> dict[str, Any]:
    """The settings with these variables, those of the `.env` called `file`, and no others. Raises what they raise."""
    with mock.patch.dict(os.environ, {"PATH": os.environ.get("PATH", ""), **environment}, clear=True):
        try:
            if file:
                read_file(file)
            return runpy.run_path(str(ROOT / "orchestrator" / "settings.py"))
        finally:
            # The settings hold it back until everything is loaded.
            gc.enable()
