"""A new certificate authority as files: its own certificate, and those of servers that it signs for."""

import ssl
from pathlib import Path

from sandbox.entra.certificates import CertificateAuthority


class Authority:
    """Signs for loopback and for the names given. `bundle` is the file with its own certificate."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = CertificateAuthority("Loopback tests", days=10)
        self.bundle = self._write("authority.pem", self._authority.pem)

    def server(self, *names: str, days: int = 10) -> ssl.SSLContext:
        """What a server needs to speak TLS under `names`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server_file(*names, days=days))
        return context

    def server_file(self, *names: str, days: int = 10) -> str:
        """A file with a certificate for `names` and its private key."""
        return self._write(f"{names[0]}{days}.pem", self._authority.server(*names, days=days))

    def _write(self, name: str, content: bytes) -> str:
        path = self._folder / name
        path.write_bytes(content)
        return str(path)
