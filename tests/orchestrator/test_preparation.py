"""What is true before anything is served."""

import errno
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock, patch

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import DatabaseError
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from orchestrator import preparation
from orchestrator.preparation import bring_tables_up_to_date, collect_changed_static_files
from people import roles


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


def test_static_files_of_a_collection_that_broke_off_are_not_taken_for_whole(
    sources: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was copied in part is newer than its source, which to collectstatic means: up to date."""

    def break_off(*_: object, **__: object) -> None:
        Path(settings.STATIC_ROOT).mkdir()
        (Path(settings.STATIC_ROOT) / "page.css").write_text("a")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(preparation, "call_command", break_off)
        with pytest.raises(OSError, match="No space left"):
            collect_changed_static_files()
    assert not Path(settings.STATIC_ROOT).exists()
    # A process that was killed cleans nothing up.
    Path(settings.STATIC_ROOT).mkdir()
    (Path(settings.STATIC_ROOT) / "page.css").write_text("a")
    assert collect_changed_static_files()
    assert [path.read_text() for path in Path(settings.STATIC_ROOT).glob("page.*.css")] == ["a {}"]


def test_static_files_that_were_removed_are_collected_again(sources: Path, settings: Settings) -> None:
    collect_changed_static_files()
    (Path(settings.STATIC_ROOT) / "staticfiles.json").unlink()
    assert collect_changed_static_files()


class TestTables:
    @pytest.fixture(autouse=True)
    def code(self, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The one file of which everything consists. The tables are those of the tests."""
        settings.VAR_DIR = tmp_path
        file = tmp_path / "models.py"
        file.write_text("first = 1")
        monkeypatch.setattr(preparation, "_code", lambda: [("models.py", file)])
        return file

    @pytest.fixture(autouse=True)
    def migrated(self, db: None) -> Iterator[Mock]:
        with patch.object(preparation, "call_command") as migrated:
            yield migrated

    def test_a_second_start_has_nothing_to_do(self, migrated: Mock) -> None:
        assert bring_tables_up_to_date()
        assert not bring_tables_up_to_date()
        migrated.assert_called_once_with("migrate", interactive=False, verbosity=0)

    def test_changed_code_brings_at_least_permissions_in_step(self, code: Path) -> None:
        bring_tables_up_to_date()
        code.write_text("second = 22")
        assert bring_tables_up_to_date()
        assert not bring_tables_up_to_date()

    def test_a_database_that_lacks_something_is_brought_up_to_date(self) -> None:
        bring_tables_up_to_date()
        MigrationRecorder.Migration.objects.get(app="connections", name__startswith="0008").delete()
        assert bring_tables_up_to_date()

    def test_what_did_not_come_to_its_end_is_done_again(self, code: Path, migrated: Mock) -> None:
        bring_tables_up_to_date()
        code.write_text("second = 22")
        migrated.side_effect = DatabaseError
        with pytest.raises(DatabaseError):
            bring_tables_up_to_date()
        code.write_text("first = 1")
        migrated.side_effect = None
        assert bring_tables_up_to_date()


def test_the_code_of_every_app_of_ours_counts(settings: Settings) -> None:
    found = {Path(name).parent.name for name, _ in preparation._code()}
    assert {"api", "connections", "delivery", "history", "people", "migrations", "orchestrator", "throttling"} <= found


@pytest.mark.django_db
def test_a_start_without_anything_new_still_puts_the_roles_in_step(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    roles.sync()
    viewer = Group.objects.get(name="Viewer")
    before = set(viewer.permissions.all())
    viewer.permissions.add(Permission.objects.get(codename="delete_connection"))
    with (
        patch.object(preparation, "bring_tables_up_to_date", return_value=False),
        patch.object(preparation, "collect_changed_static_files"),
    ):
        preparation.prepare()
    assert set(viewer.permissions.all()) == before
