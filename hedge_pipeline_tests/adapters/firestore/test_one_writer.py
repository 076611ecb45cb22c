"""Who may speak to Firestore, and with what: held by the import contract and by what no file says."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "hedge_pipeline"
ALLOWED = {"hedge_pipeline.adapters.firestore", "hedge_pipeline.firestore_server"}


@pytest.mark.finding("S1-FS-5")
def test_the_import_contract_names_the_adapter_and_the_local_server_alone():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = [found for found in contracts if "google" in found.get("protected_modules", ())]

    assert contract["type"] == "protected"
    assert set(contract["protected_modules"]) == {"google", "grpc"}
    assert set(contract["allowed_importers"]) == ALLOWED


@pytest.mark.finding("S1-FS-5")
def test_no_other_module_mentions_the_client():
    folders = [PACKAGE / "adapters" / "firestore", PACKAGE / "firestore_server"]
    speaks = re.compile(r"^\s*(from|import) (google|grpc)\b", re.MULTILINE)

    assert [
        str(file)
        for file in PACKAGE.rglob("*.py")
        if not any(file.is_relative_to(folder) for folder in folders) and speaks.search(file.read_text())
    ] == []


@pytest.mark.finding("S1-FS-5")
@pytest.mark.parametrize(
    "word", ["BulkWriter", "bulk_writer", "transaction", "Increment", "ArrayUnion", "DELETE_FIELD", "merge="]
)
def test_nothing_that_loses_writes_or_repeats_them_is_used(word: str):
    files = (PACKAGE / "adapters" / "firestore").glob("*.py")

    assert [file.name for file in files if word in file.read_text()] == []


@pytest.mark.finding("S1-FS-5")
def test_the_environment_is_neither_read_nor_written_here():
    files = (PACKAGE / "adapters" / "firestore").glob("*.py")

    assert [file.name for file in files if re.search(r"os\.environ|getenv", file.read_text())] == []
