"""`manage.py backup` and `restore` on SQLite: what was destroyed in between is there again."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest
from django.db import connection

from history.record import Actor
from orchestrator.backups import making, sqlite
from orchestrator.backups.files import Impossible, whole_or_not_at_all
from orchestrator.backups.restoring import restore
from tests.orchestrator.backups import FILLED, LOOK, RESTORED, WORDS, fill, newest_event
from tests.orchestrator.installation import KEY, OTHER_KEY, Installation

pytestmark = pytest.mark.xdist_group("backup")


def stored(product: Installation) -> object:
    return json.loads(product.shell(LOOK))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> tuple[Path, Path]:
    """A filled database and a backup of it, made once. Tests work on copies."""
    folder = tmp_path_factory.mktemp("filled")
    product = Installation(f"sqlite:///{shutil.copy(migrated_file, folder / 'db.sqlite3')}")
    fill(product)
    assert stored(product) == FILLED
    made = product.run("backup", str(folder / "backup"), "--json")
    assert json.loads(made.out) == {"file": str(folder / "backup"), "bytes": (folder / "backup").stat().st_size}
    return folder / "db.sqlite3", folder / "backup"


@pytest.fixture
def database(filled: tuple[Path, Path], tmp_path: Path) -> Path:
    return Path(shutil.copy(filled[0], tmp_path / "db.sqlite3"))


@pytest.fixture
def backup(filled: tuple[Path, Path], tmp_path: Path) -> Path:
    return Path(shutil.copy(filled[1], tmp_path / "backup"))


@pytest.fixture
def product(database: Path) -> Installation:
    return Installation(f"sqlite:///{database}")


def test_a_database_that_was_destroyed_is_there_again(product: Installation, database: Path, backup: Path) -> None:
    database.unlink()
    ended = product.run("restore", str(backup))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Restored: 2 connections, 1 people, 20 events, up to 2026-11-24 00:00 UTC.")
    assert stored(product) == RESTORED
    assert "Every seal is valid." in product.run("history", "verify").out


MORE = """
from django.utils import timezone
from history.record import Actor, Named, record
from history.sealing import seal_waiting
record("connection.tested", Named("connection", 1, "x"), by=Actor("x"), at=timezone.now())
seal_waiting(now=timezone.now())
"""


def test_a_restore_is_recorded_as_the_reason_why_newer_seals_are_gone(product: Installation, backup: Path) -> None:
    product.shell(MORE)
    anchor = json.loads(product.run("history", "verify", "--json").out)["anchor"]
    assert product.run("restore", str(backup), "--replace", WORDS).code == 0
    verified = product.run("history", "verify", "--anchor", anchor)
    assert verified.code == 0
    assert "1 anchor is of seals whose loss an operator has accepted." in verified.out
    assert "A backup was restored, with events up to 2026-11-24" in verified.out


def test_a_backup_whose_seals_were_removed_is_restored_and_not_sealed(
    product: Installation, database: Path, backup: Path
) -> None:
    with sqlite3.connect(backup) as forged:
        forged.execute("DELETE FROM history_seal")
        forged.execute("UPDATE history_event SET actor_name = 'Nobody'")
    database.unlink()
    ended = product.run("restore", str(backup))
    assert ended.code == 1
    assert "No more of the restored history is sealed: There are no seals and no checkpoint" in ended.err
    assert product.run("history", "verify").code == 1
    assert product.run("history", "accept", "--reason", "Looked at each event").code == 0
    assert product.run("history", "verify").code == 0


def test_a_database_of_nonsense_is_not_taken_for_an_empty_one(
    product: Installation, database: Path, backup: Path
) -> None:
    database.write_bytes(b"nonsense" * 4096)
    ended = product.run("restore", str(backup))
    assert ended.code == 2
    assert "first move it away" in ended.err


@pytest.mark.parametrize("words", [[], ["--replace", "yes"]])
def test_what_is_there_is_replaced_only_in_so_many_words(
    product: Installation, database: Path, backup: Path, words: list[str]
) -> None:
    ended = product.run("restore", str(backup), *words)
    assert ended.code == 2
    assert WORDS in ended.err
    assert newest_event(database) == "backup.made"


def test_in_these_words_it_is_replaced(product: Installation, database: Path, backup: Path) -> None:
    with sqlite3.connect(database) as later:
        later.execute("UPDATE connections_connection SET name = 'Later' WHERE name = 'Connection 0'")
    assert product.run("restore", str(backup), "--replace", WORDS).code == 0
    assert stored(product) == RESTORED
    with sqlite3.connect(database) as now:
        assert now.execute("SELECT COUNT(*) FROM connections_connection WHERE name = 'Later'").fetchone() == (0,)


def test_a_prepared_database_counts_as_empty(product: Installation, database: Path, backup: Path) -> None:
    with sqlite3.connect(database) as prepared:
        for table in ("auth_user", "connections_connection", "history_event"):
            prepared.execute(f"DELETE FROM {table}")  # noqa: S608  (the names above)
    assert product.run("restore", str(backup)).code == 0


def test_tokens_that_cannot_be_read_are_named(database: Path, backup: Path) -> None:
    database.unlink()
    product = Installation(f"sqlite:///{database}", keys=OTHER_KEY)
    ended = product.run("restore", str(backup))
    assert ended.code == 1
    assert "The token of Connection 0 cannot be decrypted with any of the FIELD_ENCRYPTION_KEYS." in ended.err
    assert "The token of Connection 1 cannot be decrypted with any of the FIELD_ENCRYPTION_KEYS." in ended.err
    assert newest_event(database) == "backup.restored"


def test_other_secrets_that_cannot_be_read_are_named(database: Path, tmp_path: Path) -> None:
    product = Installation(f"sqlite:///{database}")
    product.shell("from connections.models import StoredCredential; StoredCredential.objects.all().delete()")
    product.shell("from tests.factories import make_channel; make_channel('Alerts')")
    assert product.run("backup", str(tmp_path / "made")).code == 0
    other = Installation(product.url, keys=OTHER_KEY)
    ended = other.run("restore", str(tmp_path / "made"), "--replace", WORDS)
    assert ended.code == 1
    assert "The target of the channel Alerts cannot be decrypted with any of the FIELD_ENCRYPTION_KEYS." in ended.err
    assert "enter these secrets again" in ended.err
    assert product.run("restore", str(tmp_path / "made"), "--replace", WORDS).code == 0


def test_keys_and_tokens_are_not_in_it_and_only_its_owner_reads_it(filled: tuple[Path, Path]) -> None:
    content = filled[1].read_bytes()
    assert filled[1].stat().st_mode & 0o777 == 0o600
    assert [secret for secret in (KEY, "a" * 40, "b" * 40) if secret.encode() in content] == []


def test_it_is_made_for_its_owner_alone_whatever_the_umask(database: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with whole_or_not_at_all(tmp_path / "made") as part:
            sqlite.make(database, part)
    finally:
        os.umask(before)
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o600


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    with pytest.raises(Impossible, match="already exists"):
        making.make(tmp_path / "there")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("there", "mine")]


def test_a_backup_that_does_not_fit_on_the_disk_leaves_no_half_file(database: Path, tmp_path: Path) -> None:
    code = (
        "import resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
        f"sys.argv = ['manage.py', 'backup', {str(tmp_path / 'made')!r}]; "
        "runpy.run_path('manage.py', run_name='__main__')"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": f"sqlite:///{database}"}
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "No backup was made." in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if "made" in path.name) == []


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[20_000:40_000] = b"\xff" * 20_000
    path.write_bytes(content)


def _foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE x (y)")


def _nonsense(path: Path) -> None:
    path.write_text("a letter to a friend")


def _of_postgresql(path: Path) -> None:
    path.write_bytes(b"PGDMP\x01\x10\x00")


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as later:
        later.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('connections', '9999_later', '2030')")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_cut, "is damaged"),
        (_spoil, "is damaged"),
        (_foreign, "is not a database of this product"),
        (_nonsense, "is not a backup"),
        (_of_postgresql, "is a backup of PostgreSQL, but DATABASE_URL names "),
        (_newer, "is from a newer version of this product, with connections.9999_later"),
    ],
)
def test_what_is_no_good_backup_is_told_before_anything_is_touched(
    backup: Path, damage: Callable[[Path], object], said: str, db: None
) -> None:
    damage(backup)
    with patch.object(connection, "vendor", "sqlite"), pytest.raises(Impossible, match=said):
        restore(backup, replace=True, by=Actor("x"), now=datetime.now(UTC))


def test_a_damaged_backup_changes_nothing(product: Installation, database: Path, backup: Path) -> None:
    _cut(backup)
    before = database.read_bytes()
    ended = product.run("restore", str(backup), "--replace", WORDS)
    assert ended.code == 2
    assert "Nothing was changed." in ended.err
    assert database.read_bytes() == before


WRITE = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
print("ready", flush=True)
while True:
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO here VALUES (1)")
    database.execute("INSERT INTO there VALUES (1)")
    database.execute("COMMIT")
"""


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Path]:
    """A database in which another process writes two rows at a time, always both or none."""
    path = tmp_path / "busy.sqlite3"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript("CREATE TABLE here (x); CREATE TABLE there (x)")
    writer = subprocess.Popen([sys.executable, "-c", WRITE, str(path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    yield path
    assert writer.poll() is None, "making backups stopped the writer"
    writer.kill()
    writer.communicate()


def test_a_backup_is_of_one_moment_while_others_write(busy: Path, tmp_path: Path) -> None:
    counts = []
    for number in range(10):
        copy = tmp_path / f"copy-{number}"
        sqlite.make(busy, copy)
        with sqlite3.connect(copy) as database:
            (here,) = database.execute("SELECT COUNT(*) FROM here").fetchone()
            assert database.execute("SELECT COUNT(*) FROM there").fetchone() == (here,)
        counts.append(here)
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]
