"""Which profile runs where, and with which servers."""

import ast
from pathlib import Path

import pytest

import hedge_pipeline
from hedge_pipeline.settings import Environment, Profile, load_settings
from hedge_pipeline_tests.settings.conftest import DEMO, KILL_SWITCH, LIVE, Load, Refused

ALLOWED = {
    ("paper", "dev"),
    ("paper", "staging"),
    ("demo", "dev"),
    ("demo", "staging"),
    ("live", "prod"),
}
AMBIENT = {f"os.{name}" for name in ("environ", "environb", "getenv", "getenvb", "putenv", "unsetenv")}
PRODUCTION = ("https://fapi.binance.com", "https://api.binance.com")


@pytest.mark.finding("S1-FS-1", "X-25")
def test_nothing_set_means_paper_in_dev(load: Load):
    settings = load()

    assert (settings.profile, settings.env) == (Profile.PAPER, Environment.DEV)
    assert settings.venue.base_url is None, "only the paper venue of this home directory"
    assert settings.publication.project is None, "no project of anybody's is assumed"
    assert not settings.allow_prod


@pytest.mark.finding("S3-CFG-1")
@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("env", Environment)
def test_only_the_listed_pairs_of_profile_and_environment_start(
    load: Load, refused: Refused, profile: Profile, env: Environment
):
    environment = {**LIVE, "HEDGE_PROFILE": profile, "HEDGE_ENV": env}
    lines = KILL_SWITCH if profile is Profile.LIVE else ()

    if (profile, env) in ALLOWED:
        assert load(*lines, env=environment).env is env
    else:
        told = refused(*lines, env=environment)
        assert f"profile {profile} does not run in environment {env}" in told


@pytest.mark.finding("S1-FS-1", "S3-CFG-1")
def test_live_has_no_default_environment(refused: Refused):
    environment = {name: value for name, value in LIVE.items() if name != "HEDGE_ENV"}

    assert "profile live does not run in environment dev" in refused(*KILL_SWITCH, env=environment)


@pytest.mark.finding("S1-FS-3")
@pytest.mark.parametrize("allowed", [None, "0"])
def test_prod_needs_a_second_word(refused: Refused, allowed: str | None):
    environment = {**LIVE, "HEDGE_ALLOW_PROD": allowed or ""}
    if allowed is None:
        del environment["HEDGE_ALLOW_PROD"]

    assert "export HEDGE_ALLOW_PROD=1" in refused(*KILL_SWITCH, env=environment)


@pytest.mark.finding("S1-FS-3")
def test_prod_starts_with_both_words(load: Load):
    assert load(*KILL_SWITCH, env=LIVE).env is Environment.PROD


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEDGE_PROFILE", "Paper"),
        ("HEDGE_PROFILE", "paper "),
        ("HEDGE_PROFILE", ""),
        ("HEDGE_ENV", "production"),
        ("HEDGE_ENV", "PROD"),
        ("HEDGE_ENV", " "),
        ("HEDGE_ALLOW_PROD", "true"),
        ("HEDGE_ALLOW_PROD", "yes"),
    ],
)
def test_a_selector_is_written_exactly_or_refused(refused: Refused, name: str, value: str):
    assert name in refused(env={name: value})


@pytest.mark.finding("S3-CFG-1", "X-25")
@pytest.mark.parametrize(
    "url",
    [
        *PRODUCTION,
        "https://demo-fapi.binance.com",
        "https://testnet.binancefuture.com",
        "http://192.168.1.10:8080",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "http://0.0.0.0:8080",
    ],
)
@pytest.mark.parametrize("key", ["venue.base_url", "venue.spot_url"])
def test_paper_talks_to_no_other_machine(refused: Refused, key: str, url: str):
    assert f'{key} = "{url}"' in refused(f'{key} = "{url}"')


@pytest.mark.finding("S3-CFG-1")
@pytest.mark.parametrize(
    "url",
    [
        "https://demo-fapi.binance.com",
        "https://testnet.binancefuture.com",
        "http://127.0.0.1:8080",
        "https://localhost",
        "http://fapi.binance.com",
        "https://fapi.binance.com:8443",
        "https://fapi.binance.com.example.org",
        "https://api.binance.com",
    ],
)
def test_live_talks_to_the_venue_alone(refused: Refused, url: str):
    assert f'venue.base_url = "{url}"' in refused(*KILL_SWITCH, f'venue.base_url = "{url}"', env=LIVE)


@pytest.mark.finding("S3-CFG-1")
@pytest.mark.parametrize(
    "url", ["https://fapi.binance.com", "http://127.0.0.1:8080", "https://testnet.binancefuture.com"]
)
def test_demo_talks_to_the_demo_alone(refused: Refused, url: str):
    assert f'venue.base_url = "{url}"' in refused(f'venue.base_url = "{url}"', env=DEMO)


@pytest.mark.finding("S3-CFG-1")
@pytest.mark.parametrize("environment", [DEMO, LIVE], ids=["demo", "live"])
@pytest.mark.parametrize("url", ["http://127.0.0.1:9000", "http://api.coingecko.com"])
def test_real_funds_are_not_priced_by_a_local_server(refused: Refused, environment: dict[str, str], url: str):
    lines = KILL_SWITCH if environment is LIVE else ()

    assert "prices.coingecko_url" in refused(*lines, f'prices.coingecko_url = "{url}"', env=environment)


@pytest.mark.finding("S1-FS-1", "S2-FS-1")
def test_a_changed_environment_takes_effect_at_the_next_load(monkeypatch: pytest.MonkeyPatch):
    before = load_settings()
    monkeypatch.setenv("HEDGE_ENV", "staging")

    assert before.env is Environment.DEV
    assert load_settings().env is Environment.STAGING


@pytest.mark.finding("S2-FS-1")
def test_no_code_assigns_the_environment_and_one_module_reads_it():
    package = Path(hedge_pipeline.__file__ or "").parent
    readers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in AMBIENT)
        or (
            isinstance(node, ast.ImportFrom)
            and {f"{node.module}.{name.name}" for name in node.names} & AMBIENT
        )
    }

    assert readers == {"settings/environment.py"}
    source = (package / "settings/environment.py").read_text(encoding="utf-8")
    assert source.count("os.environ") == 1
    assert "return dict(os.environ)" in source
