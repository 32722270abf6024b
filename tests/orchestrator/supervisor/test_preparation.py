"""What is true before anything is served."""

import errno
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock, patch

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import DatabaseError, connections
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from orchestrator.supervisor import first_password, preparation
from orchestrator.supervisor.preparation import (
    bring_tables_up_to_date,
    collect_changed_static_files,
    first_administrator,
)
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
    assert {"connections", "delivery", "history", "people", "migrations", "orchestrator", "throttling"} <= found


@pytest.fixture
def kept_open(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test's transaction lives in the connection that a start would close."""
    monkeypatch.setattr(connections, "close_all", lambda: None)


@pytest.mark.usefixtures("kept_open")
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


@pytest.mark.usefixtures("kept_open")
class TestFirstAdministrator:
    @pytest.fixture(autouse=True)
    def folder(self, settings: Settings, tmp_path: Path) -> Path:
        settings.VAR_DIR = tmp_path
        return tmp_path

    def test_one_is_made_with_a_password_that_only_this_start_knows(self) -> None:
        made = first_administrator()
        assert made.password
        assert len(made.password) >= 16
        user = User.objects.get(username="admin")
        assert user.check_password(made.password)
        assert made.password not in user.password
        assert user.is_superuser

    def test_a_password_that_was_printed_stays(self, folder: Path) -> None:
        first_administrator()
        first_password.forget(folder)
        assert first_administrator().password is None

    def test_a_password_that_was_never_printed_is_replaced(self, folder: Path) -> None:
        lost = first_administrator().password
        made = first_administrator().password
        assert made
        assert made != lost
        assert User.objects.get(username="admin").check_password(made)
        first_password.forget(folder)
        assert first_administrator().password is None

    def test_a_password_that_somebody_set_meanwhile_stays(self) -> None:
        first_administrator()
        admin = User.objects.get(username="admin")
        admin.set_password("chosen by hand 4711")
        admin.save()
        assert first_administrator().password is None

    def test_the_password_of_somebody_who_has_signed_in_stays(self) -> None:
        first_administrator()
        User.objects.update(last_login=datetime(2026, 11, 28, tzinfo=UTC))
        assert first_administrator().password is None

    def test_an_administrator_of_another_name_is_enough(self) -> None:
        User.objects.create_superuser("maya", password=None)
        assert first_administrator().name == "maya"
        assert not User.objects.filter(username="admin").exists()

    def test_an_inactive_one_is_not(self) -> None:
        User.objects.create_superuser("maya", password=None, is_active=False)
        assert first_administrator().password
