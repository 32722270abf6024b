"""What is true before anything is served."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connections
from pytest_django import Settings

from orchestrator.supervisor.preparation import collect_changed_static_files, first_administrator


@pytest.fixture
def sources(settings: Settings, tmp_path: Path) -> Path:
    """A folder of static files, and places of its own for what is made of them."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "page.css").write_text("a {}")
    settings.VAR_DIR = tmp_path
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATICFILES_DIRS = [tmp_path / "sources"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES = {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    return tmp_path / "sources"


def test_static_files_are_collected_when_one_has_changed(sources: Path) -> None:
    assert collect_changed_static_files()
    assert not collect_changed_static_files()
    (sources / "page.css").write_text("b {}\n")
    assert collect_changed_static_files()


def test_static_files_that_were_removed_are_collected_again(sources: Path, settings: Settings) -> None:
    collect_changed_static_files()
    (Path(settings.STATIC_ROOT) / "staticfiles.json").unlink()
    assert collect_changed_static_files()


@pytest.fixture
def kept_open(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test's transaction lives in the connection that a start would close."""
    monkeypatch.setattr(connections, "close_all", lambda: None)


@pytest.mark.usefixtures("kept_open")
class TestFirstAdministrator:
    def test_one_is_made_with_a_password_that_only_this_start_knows(self) -> None:
        made = first_administrator()
        assert made.password
        assert len(made.password) >= 16
        user = User.objects.get(username="admin")
        assert user.check_password(made.password)
        assert made.password not in user.password
        assert user.is_superuser
        assert first_administrator().password is None

    def test_an_administrator_of_another_name_is_enough(self) -> None:
        User.objects.create_superuser("maya", password=None)
        assert first_administrator().name == "maya"
        assert not User.objects.filter(username="admin").exists()

    def test_an_inactive_one_is_not(self) -> None:
        User.objects.create_superuser("maya", password=None, is_active=False)
        assert first_administrator().password
