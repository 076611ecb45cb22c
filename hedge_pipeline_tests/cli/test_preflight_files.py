"""What preflight says of disks and files: how much room is left, and who may read what."""

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from hedge_pipeline.cli.preflight import store
from hedge_pipeline.cli.preflight.files import Space, disk_line, mode_lines, space_at
from hedge_pipeline.settings import Settings, load_settings
from hedge_pipeline_tests.cli.conftest import Hedge
from hedge_pipeline_tests.stage import Stage

GIB = 2**30


def test_room_is_told_with_the_days_it_lasts():
    line = disk_line("disk", Path("/srv"), Space(free=5 * GIB, is_writable=True), least_free_mib=1024)

    assert line.remedy is None
    assert line.told == "5.0 GiB free at /srv, 107 days at 50 MB a day"


@pytest.mark.parametrize(("free", "fails"), [(GIB, False), (GIB - 1, True), (0, True)])
def test_below_the_bound_it_fails_and_says_what_is_wanted(*, free: int, fails: bool):
    line = disk_line("disk", Path("/srv"), Space(free=free, is_writable=True), least_free_mib=1024)

    assert (line.remedy is not None) == fails
    if line.remedy is not None:
        assert "1.0 GiB is needed (history.least_free_mib)" in line.remedy


def test_a_read_only_file_system_fails_however_much_is_free():
    line = disk_line("disk", Path("/srv"), Space(free=900 * GIB, is_writable=False), least_free_mib=64)

    assert line.remedy is not None
    assert "read-only" in line.told


def test_a_folder_that_is_still_to_be_made_is_on_the_disk_of_the_one_above(tmp_path: Path):
    assert space_at(tmp_path / "a" / "b").free == pytest.approx(space_at(tmp_path).free, rel=0.05)


@pytest.mark.skipif(not Path("/proc/sys").is_dir(), reason="a folder nobody can write is known on Linux only")
def test_what_cannot_be_written_is_read_only():
    assert not space_at(Path("/proc/1")).is_writable


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    for name in ("state.sqlite", "local.json", "hedge.toml", "treasury.toml"):
        (home / name).touch(mode=0o600)
    return load_settings({"HEDGE_HOME": str(home)})


def test_what_is_ours_alone_is_well(settings: Settings):
    (line,) = mode_lines(settings)

    assert line.remedy is None
    assert line.told == "5 files and folders, none of them open to others"


@pytest.mark.parametrize(
    ("name", "mode", "remedy"),
    [
        ("", 0o755, "chmod 700 {}"),
        ("", 0o710, "chmod 700 {}"),
        ("state.sqlite", 0o640, "chmod 600 {}"),
        ("local.json", 0o604, "chmod 600 {}"),
    ],
)
def test_what_others_can_read_is_named_with_the_command(
    settings: Settings, name: str, mode: int, remedy: str
):
    place = settings.home / name if name else settings.home
    place.chmod(mode)

    (line,) = mode_lines(settings)

    assert line.remedy == remedy.format(place)
    assert f"mode {mode:04o}" in line.told


def test_settings_behind_a_closed_folder_are_out_of_reach(settings: Settings):
    (settings.home / "hedge.toml").chmod(0o644)

    (line,) = mode_lines(settings)

    assert line.remedy is None


def test_settings_others_can_reach_are_named(settings: Settings, tmp_path: Path):
    if any(not folder.stat().st_mode & 0o011 for folder in tmp_path.parents):
        for folder in (tmp_path, *tmp_path.parents[:3]):
            if folder.stat().st_uid == os.geteuid():
                folder.chmod(0o755)
    settings.home.chmod(0o755)
    (settings.home / "hedge.toml").chmod(0o644)

    told = {line.remedy for line in mode_lines(settings)}

    assert told == {f"chmod 700 {settings.home}", f"chmod 600 {settings.home / 'hedge.toml'}"}


def test_a_secrets_file_that_others_can_read_is_refused_with_the_command(
    hedge: Hedge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "secrets"
    file.write_text("HEDGE_COINGECKO_KEY=CG-1234567890abcdef\n")
    file.chmod(0o644)
    monkeypatch.setenv("HEDGE_SECRETS_FILE", str(file))

    answer = hedge("preflight")

    assert answer.exit_code == 1
    assert f"chmod 600 {file}" in answer.output
    assert "1234567890" not in answer.output


@pytest.mark.long
def test_a_store_that_another_process_holds_is_told(stage: Stage):
    settings = load_settings()
    assert [line.remedy for line in store.lines(settings)] == [None]

    with contextlib.closing(sqlite3.connect(stage.home / "state.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        (line,) = store.lines(settings)

    assert line.remedy is not None
    assert "database is locked" in line.told
    assert "lsof" in line.remedy
