"""What `make run` reads before Django is loaded."""

from pathlib import Path

import pytest

from orchestrator import start_settings


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAR_DIR", "REDIS_URL", "AZURE_DEVOPS_SERVERS", "WEB_PORT", "SANDBOX"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("nothing_set")
def test_without_anything_everything_lies_in_the_checkout_and_nobody_has_a_broker(tmp_path: Path) -> None:
    found = start_settings.read(tmp_path)
    assert (found.var_dir, found.redis_url, found.web_port, found.sandbox) == (tmp_path / "var", "", 8000, True)


@pytest.mark.usefixtures("nothing_set")
def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(f"WEB_PORT=8100\nSANDBOX=0\nVAR_DIR={tmp_path}/elsewhere\n")
    monkeypatch.setenv("WEB_PORT", "8200")
    found = start_settings.read(tmp_path)
    assert (found.web_port, found.sandbox, found.var_dir) == (8200, False, tmp_path / "elsewhere")
