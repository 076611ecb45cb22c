"""What is shipped: no credential, no loose or unlocked dependency, no place of one machine, no print."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.check import STAGES
from tools.vulnerabilities import verdict

REPOSITORY = Path(__file__).resolve().parents[1]
LOCK = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))

# What key material looks like, from each issuer's own prefix or length.
KEY_MATERIAL = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\"private_key(_id)?\"\s*:\s*\"[^\"]{20}"
    r"|\b(AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bAIza[0-9A-Za-z_-]{35}"
    r"|\bgh[pousr]_[0-9A-Za-z]{36}"
    r"|\bxox[abpr]-[0-9A-Za-z-]{10}"
    r"|\b[0-9]{8,10}:AA[0-9A-Za-z_-]{33}\b"
    r"|(?<![0-9A-Za-z])(?=[a-z]*[0-9A-Z])(?=[0-9A-Z]*[a-z])(?=[A-Za-z]*[0-9])[0-9A-Za-z]{64}(?![0-9A-Za-z])"
)
CREDENTIAL_FILE = re.compile(
    r"(^|/)(\.env(\..*)?|.*\.(pem|key|p12|pfx)|.*(creds|credentials|service[-_]account).*\.json|firebase.*\.json)$"
)
# Strings that look like key material and are public, each with its origin.
PUBLIC: frozenset[str] = frozenset()
INDEX_ADDRESS = re.compile(
    r"https?://\S+/(simple|packages)\b|(extra-)?index-url\s*[=:]|find-links\s*[=:]", re.IGNORECASE
)

MACHINE_PATH = re.compile(r"(?<![\w/.}])/(work|root|home|Users)/\w")


def git(*arguments: str) -> str:
    answer = subprocess.run(
        ["git", "-C", str(REPOSITORY), *arguments],
        capture_output=True,
        check=False,
        text=True,
        errors="replace",
    )
    if answer.returncode:
        pytest.skip(f"the tests do not run in a git checkout: {answer.stderr.strip()}")
    return answer.stdout


@pytest.fixture(scope="module")
def shipped() -> dict[str, str]:
    """Every file that is tracked, or would be with the next `git add`, and its text."""
    names = git("ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    files = {name: REPOSITORY / name for name in names if name}
    return {name: path.read_text(errors="replace") for name, path in files.items() if path.is_file()}


def key_material(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        for found in KEY_MATERIAL.finditer(line):
            if found.group() not in PUBLIC and "--hash=sha256:" not in line:
                yield f"{found.group()[:12]}…"


@pytest.mark.finding("S2-SEC-1")
def test_no_tracked_file_holds_key_material(shipped: dict[str, str]) -> None:
    found = {name: list(key_material(text.splitlines())) for name, text in shipped.items()}

    assert {name: keys for name, keys in found.items() if keys} == {}
    assert [name for name in shipped if CREDENTIAL_FILE.search(name)] == []


@pytest.mark.finding("S2-SEC-1")
def test_no_commit_ever_held_key_material() -> None:
    added = git(
        "log", "--all", "--max-count=5000", "--no-color", "--patch", "--unified=0", "--", ".", ":!*.lock"
    )
    names = git(
        "log", "--all", "--max-count=5000", "--diff-filter=A", "--name-only", "--format="
    ).splitlines()

    assert list(key_material(line for line in added.splitlines() if line.startswith("+"))) == []
    assert [name for name in names if CREDENTIAL_FILE.search(name)] == []


@pytest.mark.finding("S2-SEC-1")
@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN " + "PRIVATE KEY-----",
        '"private_key_id": "' + "0123456789abcdef" * 2 + '"',
        "AKIA" + "IOSFODNN7EXAMPLE",
        "AIza" + "Sy0123456789abcdefghijklmnopqrstuvw",
        "123456789:AA" + "Fk3oPq9-7_xYzAbCdEfGhIjKlMnOpQrSt",
        "api_key = '" + "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2z" + "vsw0MuIgwCIPy6utIco14y7Ju91duEh8A" + "'",
    ],
)
def test_the_scan_knows_a_secret_when_it_sees_one(secret: str) -> None:
    assert list(key_material([f"+ {secret}"]))


@pytest.mark.finding("S2-SEC-1")
@pytest.mark.parametrize(
    "name",
    [
        "config/firebase_creds.json",
        "firebase.json",
        "gcp-service-account.json",
        "credentials.json",
        ".env",
        "venue.pem",
        ".hedge/state.db",
    ],
)
def test_git_ignores_credentials_and_state(name: str) -> None:
    assert git("check-ignore", "--no-index", name).strip() == name


def test_git_ignores_no_source_of_ours() -> None:
    ignored = git(
        "ls-files",
        "--others",
        "--ignored",
        "--exclude-standard",
        "hedge_pipeline",
        "hedge_pipeline_tests",
        "tools",
    )

    assert [name for name in ignored.splitlines() if "__pycache__" not in name] == []


def pinned() -> dict[str, list[str]]:
    """Versions by package in the lock; a package may have one per Python version."""
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^ ;\\]+)", LOCK, re.MULTILINE):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


def declared(*, with_extras: bool) -> list[Requirement]:
    project = PROJECT["project"]
    lines = list(project["dependencies"])
    if with_extras:
        lines += PROJECT["build-system"]["requires"]
        lines += [line for extra in project["optional-dependencies"].values() for line in extra]
    return [Requirement(line) for line in lines if not line.startswith(project["name"])]


@pytest.mark.finding("S3-SEC-2")
def test_every_pin_of_the_lock_has_a_hash() -> None:
    logical_lines = LOCK.replace("\\\n", " ").splitlines()
    pins = [line for line in logical_lines if line.strip()]

    assert len(pins) > 50
    for pin in pins:
        assert re.match(r"^\S+==\S+ .*--hash=sha256:[0-9a-f]{64}", pin), pin[:80]


@pytest.mark.finding("S3-SEC-2")
def test_every_dependency_is_locked_within_its_bounds() -> None:
    locked = pinned()
    for requirement in declared(with_extras=True):
        versions = locked.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement.name} is not locked: make lock"
        assert all(requirement.specifier.contains(version) for version in versions), (
            f"{requirement}: {versions}"
        )


@pytest.mark.finding("S3-SEC-2")
def test_every_dependency_has_a_lower_and_an_upper_bound() -> None:
    for requirement in declared(with_extras=True):
        operators = {specifier.operator for specifier in requirement.specifier}
        assert operators >= {">=", "<"}, requirement


@pytest.mark.finding("S3-SEC-2")
def test_the_install_asks_for_hashes_and_wheels() -> None:
    setup = (REPOSITORY / "tools" / "setup").read_text(encoding="utf-8")

    assert "--require-hashes --only-binary :all:" in setup
    assert "--no-deps --no-build-isolation" in setup


@pytest.mark.finding("S3-SEC-2")
def test_continuous_integration_scans_for_vulnerabilities() -> None:
    assert "tools/vulnerabilities.py" in STAGES["vulnerabilities"]
    assert 'make "${@:-check}"' in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.finding("S3-SEC-2")
def test_a_vulnerable_package_fails_the_scan_and_an_unknown_one_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sound = {"name": "sound", "version": "1", "vulns": []}
    private = {"name": "private", "skip_reason": "not found"}
    leaky = {"name": "leaky", "version": "2", "vulns": [{"id": "CVE-2026-1", "fix_versions": ["3"]}]}

    assert verdict("osv", [sound, private]) == 0
    assert "NOT SCANNED: private" in capsys.readouterr().out
    assert verdict("osv", [sound, leaky]) == 1
    assert "leaky 2: CVE-2026-1, mended in 3" in capsys.readouterr().out


def test_a_scan_that_knows_no_package_is_no_verdict() -> None:
    assert verdict("pypi", [{"name": "private", "skip_reason": "not found"}]) is None


@pytest.mark.parametrize("foreign", [INDEX_ADDRESS, MACHINE_PATH], ids=["package index", "machine path"])
def test_no_file_names_a_place_of_one_machine(shipped: dict[str, str], foreign: re.Pattern[str]) -> None:
    found = {name: match.group() for name, text in shipped.items() if (match := foreign.search(text))}

    found.pop("hedge_pipeline_tests/test_packaging.py", None)  # holds the patterns
    assert found == {}


@pytest.mark.finding("S2-LOG-3")
def test_no_production_module_prints() -> None:
    printing = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for path in sorted((REPOSITORY / "hedge_pipeline").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]

    assert printing == []
