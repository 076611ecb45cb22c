"""Where a client may connect: production only when told so, and never in clear."""

import pytest

from hedge_pipeline.adapters.ccxt_venue import CcxtVenue, Credentials
from hedge_pipeline.domain.errors import InvalidSettings
from hedge_pipeline_tests.adapters.ccxt_venue.conftest import KEY, SECRET, MovableClock


def make(base_url: str, *, live: bool = False) -> CcxtVenue:
    return CcxtVenue(
        account="main",
        base_url=base_url,
        credentials=Credentials(KEY, SECRET),
        symbols=(),
        clock=MovableClock(),
        live=live,
    )


@pytest.mark.parametrize(
    "base_url",
    [
        "https://fapi.binance.com",
        "https://fapi1.binance.com",
        "https://FAPI.binance.com:443/",
        "https://demo-fapi.binance.com.example.org",
        "https://proxy.internal",
        "https://10.0.0.7:8443",
        "https://localhost.example.org",
    ],
)
def test_only_live_may_name_a_host_that_may_be_production(base_url: str) -> None:
    with pytest.raises(InvalidSettings, match="live profile"):
        make(base_url)
    make(base_url, live=True)


@pytest.mark.parametrize(
    "base_url",
    ["http://127.0.0.1:18080", "http://localhost:1/", "http://[::1]:8080", "https://demo-fapi.binance.com"],
)
def test_loopback_and_demo_need_no_live(base_url: str) -> None:
    make(base_url)


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "fapi.binance.com",
        "ftp://fapi.binance.com",
        "http://fapi.binance.com",
        "https://user:password@fapi.binance.com",
        "https://fapi.binance.com/fapi",
        "https://fapi.binance.com/?a=b",
        "http://demo-fapi.binance.com",
    ],
)
def test_what_is_no_safe_base_url_is_refused_even_for_live(base_url: str) -> None:
    with pytest.raises(InvalidSettings, match="base_url") as refused:
        make(base_url, live=True)
    assert "password" not in str(refused.value)
