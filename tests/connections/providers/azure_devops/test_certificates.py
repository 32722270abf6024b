"""Trusted certificates are read once, and again when their file changes."""

import os
from pathlib import Path

import pytest

from connections.providers.azure_devops.certificates import trusting
from tests.connections.providers.azure_devops.authority import Authority


def test_a_bundle_is_read_once(authority: Authority) -> None:
    assert trusting(authority.bundle) is trusting(authority.bundle)


def test_a_replaced_bundle_is_read_again(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new")
    before = trusting(old.bundle)
    replaced_at = Path(old.bundle).stat().st_mtime_ns + 1_000_000_000
    Path(old.bundle).write_bytes(Path(new.bundle).read_bytes())
    os.utime(old.bundle, ns=(replaced_at, replaced_at))
    after = trusting(old.bundle)
    assert after is not before
    assert after.get_ca_certs() == trusting(new.bundle).get_ca_certs()


def test_a_bundle_without_certificates_is_an_error_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing\n")
    with pytest.raises(OSError, match=r"PEM|CERT|ertificate|X509"):
        trusting(str(tmp_path / "empty.pem"))
