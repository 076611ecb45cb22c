"""What the venue says of a key, over the wire: believed field by field, or refused by name."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from hedge_pipeline.adapters.ccxt_venue import Credentials, read_key_permissions
from hedge_pipeline.adapters.ccxt_venue.key_permissions import key_permissions
from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.domain.errors import InvalidSettings, SourceMalformed, SourceUnavailable
from hedge_pipeline.domain.key_permissions import KeyPermissions
from hedge_pipeline.paper.effects import effect
from hedge_pipeline.paper.endpoints import KEY_PERMISSIONS
from hedge_pipeline.paper.keys import api_restrictions
from hedge_pipeline.paper.seed import PAPER_KEYS
from hedge_pipeline.paper.server import serve
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline_tests.adapters.ccxt_venue.conftest import FAST


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[PaperVenue, str]]:
    paper = PaperVenue(core=open_core(World(), now_ms=now_ms()), clock=now_ms)
    with serve(paper) as url:
        yield paper, url


@pytest.fixture
def paper(running: tuple[PaperVenue, str]) -> Iterator[PaperVenue]:
    yield running[0]
    running[0].faults.clear()


def asked(url: str, key: str = "paper-read", secret: str | None = None) -> KeyPermissions:
    return read_key_permissions(
        base_url=url,
        credentials=Credentials(key, secret or PAPER_KEYS[key]),
        clock=SystemClock(),
        limits=FAST,
        live=False,
    )


def test_each_key_is_told_its_own_permissions(running: tuple[PaperVenue, str]):
    reading, trading = asked(running[1]), asked(running[1], "paper-trade")

    assert reading.is_bound_to_addresses
    assert reading.granted == {"enableReading"}
    assert trading.granted == {"enableReading", "enableFutures"}


def test_a_switch_of_the_venue_is_seen(running: tuple[PaperVenue, str], paper: PaperVenue):
    paper.set_fault(
        KEY_PERMISSIONS, effect("replace_field", {"path": "permitsUniversalTransfer", "value": True})
    )
    paper.set_fault(KEY_PERMISSIONS, effect("replace_field", {"path": "ipRestrict", "value": False}))

    found = asked(running[1])

    assert "permitsUniversalTransfer" in found.granted
    assert not found.is_bound_to_addresses


def test_a_key_the_venue_does_not_know_is_a_failed_source(running: tuple[PaperVenue, str]):
    with pytest.raises(SourceUnavailable, match="-1022"):
        asked(running[1], secret="somebody-elses-secret")


@pytest.mark.parametrize("status", [403, 500])
def test_a_venue_that_refuses_is_a_failed_source(
    running: tuple[PaperVenue, str], paper: PaperVenue, status: int
):
    paper.set_fault(KEY_PERMISSIONS, effect("respond", {"status": status, "body": "{}"}))

    with pytest.raises(SourceUnavailable):
        asked(running[1])


def test_production_is_out_of_reach_without_live():
    with pytest.raises(InvalidSettings, match="live"):
        asked("https://api.binance.com")


def body(**changes: Any) -> dict[str, Any]:
    whole = api_restrictions(None, 0, {}, api_key="paper-read") | changes  # type: ignore[arg-type]
    return {name: value for name, value in whole.items() if value != "absent"}


@pytest.mark.parametrize(
    "name",
    [
        "ipRestrict",
        "enableReading",
        "enableFutures",
        "enableWithdrawals",
        "enableInternalTransfer",
        "permitsUniversalTransfer",
    ],
)
@pytest.mark.parametrize("value", ["absent", None, 0, "false"])
def test_a_permission_that_is_not_told_is_not_taken_for_switched_off(name: str, value: object):
    with pytest.raises(SourceMalformed, match=name):
        key_permissions(body(**{name: value}))


def test_a_switch_that_is_new_is_believed_if_it_is_one():
    assert "enableTimeTravel" in key_permissions(body(enableTimeTravel=True)).granted
    with pytest.raises(SourceMalformed, match="enableTimeTravel"):
        key_permissions(body(enableTimeTravel="true"))


@pytest.mark.parametrize("answer", [{}, [], None, "", 1])
def test_an_answer_that_says_nothing_is_refused(answer: object):
    with pytest.raises(SourceMalformed):
        key_permissions(answer)
