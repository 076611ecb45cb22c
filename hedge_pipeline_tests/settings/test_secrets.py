"""Secrets come from two places and go nowhere."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.adapters.redaction import redact
from hedge_pipeline.domain.errors import InvalidSettings
from hedge_pipeline.settings import load_settings
from hedge_pipeline.settings.checking import known_keys
from hedge_pipeline.settings.environment import SECRETS
from hedge_pipeline.settings.masking import named_secret
from hedge_pipeline.settings.model import SECTIONS
from hedge_pipeline_tests.settings.conftest import DEMO, READ_KEY, READ_SECRET, Load, Refused

PASSWORD = "p4ssW0rdOfTheStore"
COINGECKO = "CG-9fK2mQ7xW4vT1zB8nL5rD3hJ"


@pytest.fixture
def secrets_file(tmp_path: Path) -> Path:
    file = tmp_path / "secrets.env"
    file.write_text(
        f"# the read-only key\nexport HEDGE_VENUE_READ_KEY={READ_KEY}\n\n"
        f"HEDGE_VENUE_READ_SECRET = \"{READ_SECRET}\"\nHEDGE_COINGECKO_KEY='{COINGECKO}'\n",
        encoding="utf-8",
    )
    file.chmod(0o600)
    return file


def test_secrets_come_from_a_file_of_their_own(load: Load, secrets_file: Path):
    settings = load(env={"HEDGE_PROFILE": "demo", "HEDGE_SECRETS_FILE": str(secrets_file)})

    assert settings.secrets.venue_read is not None
    assert settings.secrets.venue_read.key.get_secret_value() == READ_KEY
    assert settings.secrets.venue_read.secret.get_secret_value() == READ_SECRET
    assert settings.secrets.venue_trade is None
    assert settings.secrets.coingecko_key is not None
    assert settings.secrets.coingecko_key.get_secret_value() == COINGECKO


@pytest.mark.finding("S3-SEC-1")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610, 0o777])
def test_a_file_of_secrets_that_others_can_touch_is_refused(refused: Refused, secrets_file: Path, mode: int):
    secrets_file.chmod(mode)

    told = refused(env={"HEDGE_SECRETS_FILE": str(secrets_file)})

    assert f"chmod 600 {secrets_file}" in told
    assert READ_KEY not in told
    assert READ_SECRET not in told


@pytest.mark.finding("S3-SEC-1")
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_of_secrets_for_its_owner_alone_is_read(load: Load, secrets_file: Path, mode: int):
    secrets_file.chmod(mode)

    load(env={"HEDGE_PROFILE": "demo", "HEDGE_SECRETS_FILE": str(secrets_file)})


@pytest.mark.finding("S3-SEC-1")
def test_a_file_of_secrets_of_another_user_is_refused(
    refused: Refused, secrets_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "geteuid", lambda: secrets_file.stat().st_uid + 1)

    assert "belongs to another user" in refused(env={"HEDGE_SECRETS_FILE": str(secrets_file)})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"just words", "line 1"),
        (b"HEDGE_VENUE_READ_KEY\n", "line 1"),
        (b"\nHEDGE_VENUE_READ_KEYY=d0ntshow", "did you mean HEDGE_VENUE_READ_KEY?"),
        (b"d0ntshow=HEDGE_VENUE_READ_KEY", "line 1"),
        (b"HEDGE_PROFILE=live", "names no secret"),
        (b"HEDGE_VENUE_READ_KEY=", "is empty"),
        (b"HEDGE_VENUE_READ_KEY=''", "is empty"),
        (b"HEDGE_COINGECKO_KEY=d0ntshow1\nHEDGE_COINGECKO_KEY=d0ntshow2", "is there twice"),
        (b"HEDGE_COINGECKO_KEY=d0nt show", "holds blanks"),
        (b"HEDGE_COINGECKO_KEY=d0ntshow${X}", "a template nobody filled in"),
        (b"\xff\xfe", "not UTF-8"),
        (b"#" * 70_000, "too large"),
    ],
)
def test_a_spoiled_file_of_secrets_is_refused_without_quoting_it(
    refused: Refused, secrets_file: Path, content: bytes, told: str
):
    secrets_file.write_bytes(content)

    text = refused(env={"HEDGE_SECRETS_FILE": str(secrets_file)})

    assert told in text
    assert "d0nt" not in text


@pytest.mark.parametrize("name", ["nothing-here.env", "."])
def test_a_file_of_secrets_that_is_no_file_is_refused(refused: Refused, tmp_path: Path, name: str):
    assert "HEDGE_SECRETS_FILE" in refused(env={"HEDGE_SECRETS_FILE": str(tmp_path / name)})


def test_a_pipe_in_place_of_the_file_does_not_hang(refused: Refused, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe", 0o600)

    assert "is not a file" in refused(env={"HEDGE_SECRETS_FILE": str(tmp_path / "pipe")})


def test_a_secret_lives_in_one_place(refused: Refused, secrets_file: Path):
    environment = {"HEDGE_SECRETS_FILE": str(secrets_file), "HEDGE_VENUE_READ_KEY": READ_KEY}

    assert "HEDGE_VENUE_READ_KEY" in refused(env=environment)


@pytest.mark.finding("S3-SEC-1")
@pytest.mark.parametrize(
    "line",
    [
        'venue.api_key = "d0ntshow"',
        'venue.secret = "d0ntshow"',
        'api.password = "d0ntshow"',
        'alerts.bot_token = "d0ntshow"',
        'alerts.slack_webhook = "d0ntshow"',
        'HEDGE_VENUE_READ_KEY = "d0ntshow"',
        'venue.base_url = "https://me:d0ntshow@fapi.binance.com"',
        'fund.account = "d0ntshow00aabbccddeeff1122334455667788"',
        'fund.holdings_folder = "https://hooks.slack.com/services/d0ntshow"',
        f'publication.project = "d0ntshow {COINGECKO}"',
        'fund.account = "123456789:AAd0ntshow_aaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
        'venue.symbols = ["d0ntshow00aabbccddeeff1122334455667788"]',
        'd0ntshow00aabbccddeeff1122334455667788 = "READ_KEY"',
    ],
)
def test_a_settings_file_that_holds_a_secret_is_refused_and_not_quoted(refused: Refused, line: str):
    told = refused(line)

    assert "looks like a secret" in told
    assert "d0ntshow" not in told
    assert COINGECKO not in told


def test_no_setting_is_named_like_a_secret():
    assert [key for key in known_keys(SECTIONS) if any(named_secret(step) for step in key.split("."))] == []


@pytest.mark.finding("S3-SEC-R")
def test_a_variable_in_a_settings_file_is_filled_in(load: Load):
    settings = load('fund.holdings_folder = "${FUND_DIRECTORY}/x"', env={"FUND_DIRECTORY": "/srv/fund"})

    assert settings.holdings_folder == Path("/srv/fund/x")


@pytest.mark.finding("S3-SEC-R")
def test_a_missing_variable_is_refused_by_name(refused: Refused):
    told = refused('fund.holdings_folder = "${FUND_DIRECTORY}/x"')

    assert "fund.holdings_folder" in told
    assert "export FUND_DIRECTORY" in told


@pytest.mark.finding("S3-SEC-R")
@pytest.mark.parametrize("text", ["${FUND:-/tmp}", "${}", "${FUND", "${A B}"])
def test_a_variable_has_no_default(refused: Refused, text: str):
    assert "names no variable" in refused(f'fund.holdings_folder = "{text}"', env={"FUND": "/srv"})


@pytest.mark.finding("S3-SEC-R", "S3-SEC-1")
@pytest.mark.parametrize("name", [*SECRETS, "DB_PASSWORD", "GITHUB_TOKEN", "INNOCENT"])
def test_no_secret_is_copied_into_a_setting(refused: Refused, name: str):
    value = "d0ntshow00aabbccddeeff1122334455667788" if name == "INNOCENT" else "d0ntshow"

    told = refused(f'fund.holdings_folder = "${{{name}}}"', env={name: value})

    assert "would copy the secret" in told
    assert value not in told


@pytest.mark.finding("S3-SEC-1", "S3-SEC-3")
@given(
    values=st.fixed_dictionaries(
        {
            "HEDGE_VENUE_READ_KEY": st.text(
                st.characters(codec="utf-8", exclude_characters="\0"), min_size=12
            ),
            "HEDGE_VENUE_READ_SECRET": st.text("abcdefXYZ0123456789_-%/'\"${}\\", min_size=12),
            "HEDGE_VENUE_TRADE_KEY": st.text("abcdefXYZ0123456789", min_size=16, max_size=64),
            "HEDGE_VENUE_TRADE_SECRET": st.text("abcdefXYZ0123456789", min_size=16, max_size=64),
            "HEDGE_STATE_URL": st.text("abcdefXYZ0123456789", min_size=12).map(
                lambda s: f"postgresql://u:{s}@h/db"
            )
            | st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=12),
            "HEDGE_COINGECKO_KEY": st.text("abcdefXYZ0123456789 ", min_size=12),
        }
    ),
    profile=st.sampled_from(["paper", "demo", "live", "liv"]),
    broken=st.lists(
        st.sampled_from(["venue.hedge_mode = false", "risk.depeg = 5", "nonsense = 1"]), unique=True
    ),
    data=st.data(),
)
def test_no_secret_is_in_any_text_form_or_error(
    values: dict[str, str], profile: str, broken: list[str], data: st.DataObject
):
    given_ones = data.draw(st.sets(st.sampled_from(sorted(values))))
    environment = {name: values[name] for name in given_ones} | {"HEDGE_PROFILE": profile}
    hidden = [value.strip() for name, value in environment.items() if name in values and value.strip()]
    hidden += [
        url.partition("u:")[2].partition("@")[0] for url in hidden if url.startswith("postgresql://u:")
    ]
    with tempfile.TemporaryDirectory() as home:
        Path(home, "hedge.toml").write_text("\n".join(broken), encoding="utf-8")
        texts = []
        try:
            settings = load_settings({"HEDGE_HOME": home, **environment})
        except InvalidSettings as refusal:
            texts += [str(refusal), repr(refusal), repr(refusal.__cause__), repr(refusal.__context__)]
        else:
            forms = (
                settings.model_dump(),
                settings.model_dump(mode="json"),
                settings.public(),
                settings.limits(),
            )
            texts += [str(settings), repr(settings), settings.model_dump_json(), *map(repr, forms)]
            with suppress(AttributeError):
                texts.append(repr(vars(settings)))

    for secret in hidden:
        if len(secret) >= 6:
            assert not any(secret in text for text in texts)


@pytest.mark.finding("S3-SEC-1", "S3-SEC-3")
def test_a_secret_pasted_into_a_setting_is_not_quoted_back(refused: Refused):
    told = refused(f'fund.account = "{PASSWORD}"', env={"HEDGE_COINGECKO_KEY": PASSWORD})

    assert "fund.account" in told
    assert PASSWORD not in told


@pytest.mark.finding("S3-SEC-3")
def test_what_a_driver_wrote_can_be_redacted(load: Load):
    settings = load(
        env={
            **DEMO,
            "HEDGE_STATE_URL": f"postgresql://hedge:{PASSWORD}%21@db/hedge",
            "HEDGE_COINGECKO_KEY": COINGECKO,
        }
    )
    told = f"401 {READ_KEY} by {READ_SECRET}; {PASSWORD}%21 and {PASSWORD}! refused, {COINGECKO} too"

    assert redact(told, settings.secret_values()) == (
        "401 [removed] by [removed]; [removed] and [removed] refused, [removed] too"
    )


@pytest.mark.finding("S3-SEC-1")
def test_the_public_form_names_the_store_without_its_password(load: Load):
    settings = load(env={"HEDGE_STATE_URL": f"postgresql://hedge:{PASSWORD}@db:5433/hedge?sslkey={PASSWORD}"})

    assert settings.public()["state_url"] == "postgresql://db:5433/hedge"
    assert "secrets" not in settings.public()
    assert PASSWORD not in repr(settings)


@pytest.mark.finding("S3-CFG-1")
def test_paper_uses_its_own_keys_and_leaves_real_ones_alone(load: Load):
    settings = load(env={"HEDGE_VENUE_READ_KEY": READ_KEY, "HEDGE_VENUE_READ_SECRET": READ_SECRET})

    assert settings.secrets.values() == (
        "paper-read",
        "paper-read-secret",
        "paper-trade",
        "paper-trade-secret",
    )
