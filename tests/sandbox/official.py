"""The official `azure-devops` package, connected to a sandbox."""

import os
import tempfile
from typing import Any

from sandbox.samples import secret

# The client keeps what it learnt about addresses on disk; it must not learn from one sandbox for the next, nor write
# into anybody's home. It reads the variable once, when it is imported.
os.environ["AZURE_DEVOPS_CACHE_DIR"] = tempfile.mkdtemp(prefix="azure-devops-cache-")


def connect(address: str, token: str = "full", *, credentials: Any = None) -> Any:
    """A connection to an organization's address with a sample token, or with other credentials."""
    from azure.devops.connection import Connection
    from msrest.authentication import BasicAuthentication

    return Connection(base_url=address, creds=credentials or BasicAuthentication("", secret(token)))
