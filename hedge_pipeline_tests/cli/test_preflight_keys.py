"""What preflight says of the venue's keys where there is nobody to ask."""

from pathlib import Path

from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.cli.preflight.keys import lines
from hedge_pipeline.settings import load_settings
from hedge_pipeline_tests.settings.conftest import DEMO


def test_the_demo_tells_nothing_of_keys_which_is_no_failure(tmp_path: Path):
    settings = load_settings({"HEDGE_HOME": str(tmp_path), **DEMO})

    (line,) = lines(settings, SystemClock())

    assert line.name == "read key"
    assert line.remedy is None
    assert line.told.startswith("not checkable")
