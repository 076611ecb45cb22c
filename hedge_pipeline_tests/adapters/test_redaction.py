"""Texts that leave an adapter carry no secret, whatever stands around it."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.adapters.redaction import RedactingFilter, one_line, redact

SECRET = "s3cr3t-Value"


@pytest.mark.finding("S3-SEC-3")
@given(before=st.text(), after=st.text())
def test_a_known_secret_never_survives(before: str, after: str) -> None:
    text = before + SECRET + after
    assert SECRET not in redact(text, [SECRET])
    assert SECRET not in one_line(text, [SECRET])


@pytest.mark.finding("S3-SEC-3")
@pytest.mark.parametrize(
    "text",
    [
        f"GET https://fapi.example/fapi/v3/account?timestamp=1&signature={SECRET}",
        f'"GET /fapi/v3/account?timestamp=1&signature={SECRET} HTTP/1.1" 200',
        f"signature={SECRET}",
        f"X-MBX-APIKEY: {SECRET}",
        f"{{'X-MBX-APIKEY': '{SECRET}', 'User-Agent': 'x'}}",
        f'{{"x-cg-demo-api-key": "{SECRET}"}}',
        f"x-cg-pro-api-key={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"apiKey={SECRET}, secret={SECRET}",
        f"postgresql://fund:{SECRET}@db.example/state".replace("postgresql", "https"),
        f"https://hooks.example/T000?token={SECRET}",
    ],
)
def test_the_places_where_drivers_put_secrets_are_emptied_without_knowing_them(text: str) -> None:
    assert SECRET not in redact(text)


def test_what_is_no_secret_stays_readable() -> None:
    text = 'HTTP 400: BadRequest: binanceusdm {"code":-1121,"msg":"Invalid symbol."}'
    assert redact(text, ["", " "]) == text


def test_a_long_text_becomes_one_short_line() -> None:
    line = one_line("a\nb\r\n" + "c" * 1000)
    assert line.startswith("a b c")
    assert len(line) == 300
    assert line.endswith("…")


def test_a_secret_is_removed_before_the_line_is_cut() -> None:
    line = one_line("x" * 295 + SECRET, [SECRET])
    assert SECRET[:4] not in line


@pytest.mark.finding("S3-SEC-3")
def test_a_drivers_logger_passes_on_warnings_without_secrets_and_nothing_below(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = logging.getLogger("hedge_pipeline_tests.driver")
    logger.addFilter(RedactingFilter([SECRET]))
    logger.addFilter(RedactingFilter([SECRET]))
    assert len(logger.filters) == 1
    with caplog.at_level(logging.DEBUG, logger=logger.name):
        logger.debug("key %s", SECRET)
        logger.warning("key %s and %s", SECRET, "more")
        try:
            raise ValueError(SECRET)
        except ValueError:
            logger.exception("failed with %s", SECRET)

    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.ERROR]
    assert SECRET not in caplog.text
    assert "and more" in caplog.text
    assert "ValueError" in caplog.text
