"""The machine's clocks as the rest of the project sees them."""

import subprocess
import sys
import time
from datetime import UTC
from pathlib import Path

import pytest

from hedge_pipeline.adapters import system_clock
from hedge_pipeline.adapters.system_clock import SystemClock


def test_now_is_aware_utc_and_the_machines() -> None:
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert abs(now.timestamp() - time.time()) < 5


def test_monotonic_never_goes_back_and_counts_from_boot() -> None:
    clock = SystemClock()
    stamps = [clock.monotonic() for _ in range(1000)]
    assert stamps == sorted(stamps)
    if hasattr(time, "CLOCK_BOOTTIME"):
        assert abs(stamps[-1] - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5


def test_all_clocks_of_a_machine_are_one_and_can_be_a_key() -> None:
    assert SystemClock() == SystemClock()
    assert len({SystemClock(), SystemClock()}) == 1


def test_two_processes_of_one_boot_share_boot_id_and_monotonic_clock() -> None:
    if not Path("/proc/sys/kernel/random/boot_id").exists():
        pytest.skip("this kernel publishes no boot id")
    code = "from hedge_pipeline.adapters.system_clock import SystemClock as C; print(C().boot_id(), C().monotonic())"
    clock = SystemClock()
    before = clock.monotonic()
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    boot_id, monotonic = printed.split()
    assert boot_id == clock.boot_id()
    assert before < float(monotonic) < clock.monotonic()


def test_without_a_kernels_boot_id_a_process_is_a_boot_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(system_clock, "_BOOT_ID", tmp_path / "absent")
    assert SystemClock().boot_id() == SystemClock().boot_id()
    assert SystemClock().boot_id().startswith("process-")


def test_without_a_clock_that_counts_suspend_the_plain_one_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    assert abs(SystemClock().monotonic() - time.monotonic()) < 5
