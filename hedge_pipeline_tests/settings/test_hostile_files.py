"""Whatever a settings file holds, loading ends with settings or with a refusal that names the key."""

import json
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.errors import InvalidSettings
from hedge_pipeline.settings import load_settings
from hedge_pipeline.settings.checking import known_keys
from hedge_pipeline.settings.model import SECTIONS

LEAVES = (
    st.booleans().map(lambda value: str(value).lower())
    | st.integers(-(10**30), 10**30).map(str)
    | st.sampled_from(
        ["inf", "nan", "-inf", "1e400", "-0.0", "1979-05-27", "07:32:00", '""', '"90s"', '"20%"', "[]"]
    )
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12).map(json.dumps)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from(["warn", "x", "api_key"]), inner, max_size=3).map(
            lambda table: f"{{{', '.join(f'{key} = {value}' for key, value in table.items())}}}"
        )
    ),
    max_leaves=6,
)
TABLES = sorted({key.rpartition(".")[0] for key in known_keys(SECTIONS)})


@given(key=st.sampled_from([*known_keys(SECTIONS), *TABLES, "x.y"]), value=VALUES)
def test_whatever_is_written_loads_or_is_refused_by_name(key: str, value: str):
    with tempfile.TemporaryDirectory() as home:
        Path(home, "hedge.toml").write_text(f"{key} = {value}", encoding="utf-8")
        refusal = refusal_of(home)
    if refusal is not None:
        assert key.partition(".")[0] in refusal or "TOML" in refusal


def refusal_of(home: str) -> str | None:
    try:
        load_settings({"HEDGE_HOME": home})
    except InvalidSettings as refusal:
        return str(refusal)
    return None
