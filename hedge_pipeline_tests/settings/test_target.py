"""Where documents may be published from, decided before any client is made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import hedge_pipeline
from hedge_pipeline.domain.errors import InvalidSettings
from hedge_pipeline.settings.target import publication_target
from hedge_pipeline_tests.settings.conftest import DEMO, KILL_SWITCH, LIVE, Load

EMULATOR = {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:8080"}
PROJECTS = ('publication.project = "fund-prod"', 'publication.production_project = "fund-prod"')


def refusal(load: Load, *lines: str, **env: str) -> str:
    with pytest.raises(InvalidSettings) as refused:
        publication_target(load(*lines, env=env))
    return str(refused.value)


@pytest.mark.finding("S1-FS-1", "S1-FS-7")
def test_nothing_set_publishes_to_the_local_server_of_dev(load: Load):
    target = publication_target(load())

    assert target.local
    assert target.project == "hedge-dev"
    assert "prod" not in str(target)


@pytest.mark.finding("S1-FS-1", "S2-FS-1")
def test_the_environment_is_the_callers_and_a_change_takes_effect_at_the_next_load(load: Load):
    assert publication_target(load(env=EMULATOR)).project == "hedge-dev"
    assert publication_target(load(env={**EMULATOR, "HEDGE_ENV": "staging"})).project == "hedge-staging"


@pytest.mark.finding("S1-FS-1")
def test_importing_the_program_decides_nothing(tmp_path: Path):
    """The environment is changed after every module was imported, and is followed."""
    program = (
        "import os, hedge_pipeline.publishing, hedge_pipeline.composition as c\n"
        "from hedge_pipeline.settings import load_settings\n"
        "from hedge_pipeline.settings.target import publication_target as t\n"
        "print(t(load_settings()))\n"
        "os.environ['HEDGE_ENV'] = 'staging'\n"
        "os.environ['FIRESTORE_EMULATOR_HOST'] = '127.0.0.1:9'\n"
        "print(t(load_settings()))\n"
    )
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("HEDGE_", "FIRESTORE"))
    }
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**clean, "HEDGE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()

    assert told[0].startswith("hedge-dev/")
    assert told[1].startswith("hedge-staging/")


@pytest.mark.finding("S1-FS-3")
def test_prod_takes_two_words_a_project_and_no_emulator(load: Load):
    target = publication_target(load(*KILL_SWITCH, *PROJECTS, env=LIVE))
    assert (target.project, target.emulator_host, target.local) == ("fund-prod", None, False)

    with pytest.raises(InvalidSettings, match="HEDGE_ALLOW_PROD"):
        load(*KILL_SWITCH, *PROJECTS, env={**LIVE, "HEDGE_ALLOW_PROD": "0"})
    assert "publication.project is missing" in refusal(load, *KILL_SWITCH, **LIVE)


@pytest.mark.finding("S1-FS-3")
@pytest.mark.parametrize("leaked", ["127.0.0.1:8080", ""])
def test_prod_refuses_an_emulator_variable_even_an_empty_one(load: Load, leaked: str):
    told = refusal(load, *KILL_SWITCH, *PROJECTS, **LIVE, FIRESTORE_EMULATOR_HOST=leaked)

    assert "unset it" in told


@pytest.mark.finding("S1-FS-3")
def test_staging_never_publishes_to_productions_project(load: Load):
    staging = {**DEMO, "HEDGE_ENV": "staging"}

    assert "production's" in refusal(load, *PROJECTS, **staging)
    assert "production_project is missing" in refusal(load, 'publication.project = "fund-staging"', **staging)
    target = publication_target(load('publication.project = "fund-staging"', PROJECTS[1], env=staging))
    assert target.project == "fund-staging"


@pytest.mark.finding("S1-FS-3", "S2-FS-3")
def test_development_never_publishes_to_google(load: Load):
    told = refusal(load, 'publication.project = "fund-prod"', **DEMO)

    assert "FIRESTORE_EMULATOR_HOST" in told
    assert (
        publication_target(load('publication.project = "fund-prod"', env={**DEMO, **EMULATOR})).project
        == "hedge-dev"
    )


@pytest.mark.parametrize("host", ["", "http://127.0.0.1:8080", "127.0.0.1", "host:port"])
def test_an_emulator_is_named_by_host_and_port(load: Load, host: str):
    assert "host:port" in refusal(load, FIRESTORE_EMULATOR_HOST=host)


@pytest.mark.finding("S2-FS-1")
def test_no_code_assigns_an_environment_variable():
    package = Path(hedge_pipeline.__file__).parent
    sources = {path: path.read_text() for path in package.rglob("*.py")}

    assert not [
        str(path)
        for path, text in sources.items()
        if any(word in text for word in ("environ[", "putenv", 'setdefault("ENV', "load_dotenv"))
    ]
