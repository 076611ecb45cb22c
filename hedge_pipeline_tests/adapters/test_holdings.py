from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.adapters.holdings import HoldingsFiles
from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline.domain.price_routes import DEFAULT_ROUTES
from hedge_pipeline.domain.prices import AssetClass, ManualMark, PriceRoute
from hedge_pipeline.domain.reserves import Holding, HoldingsReading, Place
from hedge_pipeline_tests.adapters.provider_stub import NOON, TickingClock

NOTE = """
[manual.NOTE_A]
price = "1200.00"
currency = "EUR"
as_of = "2026-11-01T00:00:00Z"
max_age_days = 30
"""
MARK = ManualMark(
    name="NOTE_A",
    price=Decimal("1200.00"),
    currency="EUR",
    as_of=datetime(2026, 11, 1, tzinfo=UTC),
    max_age=timedelta(days=30),
)


def read(folder: Path, treasury: str | None = None, reserves: str | None = None) -> HoldingsReading:
    for name, text in (("treasury.toml", treasury), ("reserves.toml", reserves)):
        (folder / name).unlink(missing_ok=True)
        if text is not None:
            (folder / name).write_text(text, encoding="utf-8")
    return HoldingsFiles(folder=folder, clock=TickingClock()).read()


def fault(folder: Path, treasury: str, reserves: str | None = None) -> str:
    with pytest.raises(SourceMalformed) as refused:
        read(folder, treasury, reserves)
    return str(refused.value)


def test_quantities_are_read_digit_by_digit(tmp_path: Path):
    reading = read(
        tmp_path, '[holdings]\nBTC = "0.035000000000000001"\nUSDT = 1200\n', '[holdings]\nUSDC = "-5.5"\n'
    )

    assert reading.holdings == (
        Holding(place=Place.TREASURY, asset="BTC", quantity=Decimal("0.035000000000000001")),
        Holding(place=Place.TREASURY, asset="USDT", quantity=Decimal(1200)),
        Holding(place=Place.RESERVES, asset="USDC", quantity=Decimal("-5.5")),
    )
    assert reading.as_of == NOON
    assert (reading.treasury_configured, reading.reserves_configured) == (True, True)


@pytest.mark.finding("S2-RES-3")
def test_no_file_is_not_an_empty_file(tmp_path: Path):
    nothing = read(tmp_path)
    empty = read(tmp_path, "", "# closed in 2026\n[holdings]\n")

    assert (nothing.treasury_configured, nothing.reserves_configured) == (False, False)
    assert (empty.treasury_configured, empty.reserves_configured) == (True, True)
    assert nothing.holdings == empty.holdings == ()


@pytest.mark.finding("S2-NAV-3")
def test_routes_and_marks_say_where_a_price_comes_from(tmp_path: Path):
    reading = read(
        tmp_path,
        '[holdings]\nXAUT = "0.59"\nNOTE_A = "2"\n'
        '[routes.XAUT]\nclass = "crypto"\nsources = ["coingecko:tether-gold", "spot:XAUTUSDT"]\n'
        'cross_check = "spot:XAUTUSDT"\n',
        NOTE,
    )

    assert reading.routes == (
        PriceRoute(
            asset="XAUT",
            asset_class=AssetClass.CRYPTO,
            sources=("coingecko:tether-gold", "spot:XAUTUSDT"),
            cross_check="spot:XAUTUSDT",
        ),
        PriceRoute(asset="NOTE_A", asset_class=AssetClass.MANUAL, sources=("manual:NOTE_A",)),
    )
    assert reading.marks == (MARK,)


def test_a_mark_may_back_up_a_market(tmp_path: Path):
    reading = read(
        tmp_path,
        '[routes.ACME]\nclass = "equity"\nsources = ["manual:ACME"]\n'
        '[manual.ACME]\nprice = 12\ncurrency = "USD"\nas_of = 2026-11-19T21:00:00+01:00\n',
    )

    assert reading.routes[0].asset_class is AssetClass.EQUITY
    assert reading.marks[0].as_of == datetime(2026, 11, 19, 20, tzinfo=UTC)
    assert reading.marks[0].max_age is None, "the limit of its class"


FAULTS = [
    ("[holdings]\nBTC = 0.035\n", 'treasury.toml: line 2, [holdings] BTC: 0.035 is a float, which may lose digits; write "0.035" in quotes'),
    ("[holdings]\n\nBTC = 1e400\n", "line 3, [holdings] BTC: 1e400 is a float"),
    ('[holdings]\nBTC = "1"\nBTC = "2"\n', "it is not TOML: Cannot overwrite a value (at line 3"),
    ('[holdings]\nBTC = "1\n', "it is not TOML"),
    ('[holdings]\nBTC = "many"\n', "line 2, [holdings] BTC: 'many' is not a number"),
    ('[holdings]\nBTC = "NaN"\n', "is not a number"),
    ("[holdings]\nBTC = nan\n", "nan is a float"),
    ("[holdings]\nBTC = true\n", "is not a number"),
    ('[holdings]\nBTC = ["1"]\n', "is not a number"),
    ('[holdings]\nBTC = "1e30"\n', "lies outside"),
    (f"[holdings]\nBTC = {'9' * 5000}\n", "it is not TOML"),
    ('[holdings]\nbtc = "1"\n', "line 2, [holdings] btc: assets are written in capitals and digits; did you mean BTC?"),
    ('[holdings]\n"B TC" = "1"\n', "assets are written in capitals"),
    ('[holding]\nBTC = "1"\n', "line 1, holding: unknown key; did you mean holdings?"),
    ('BTC = "1"\n', "line 1, BTC: unknown key; known are holdings, routes, manual"),
    ("holdings = 3\n", "holdings: write it as a table, [holdings]"),
    ("[routes]\nXAUT = 3\n", "write it as a table of its own, [routes.XAUT]"),
    ('[routes.XAUT]\nclas = "crypto"\n', "line 2, [routes.XAUT] clas: unknown key; did you mean class?"),
    ('[routes.XAUT]\nclass = "crypto"\n', "line 1, [routes.XAUT]: sources is missing"),
    ('[routes.XAUT]\nclass = "gold"\nsources = ["fx:EUR"]\n', "line 2, [routes.XAUT] class: 'gold' is none of crypto, fx, equity, manual"),
    ('[routes.XAUT]\nclass = 3\nsources = ["fx:EUR"]\n', "class: 3 is none of"),
    ('[routes.XAUT]\nclass = "crypto"\nsources = []\n', "sources: list them in order"),
    ('[routes.XAUT]\nclass = "crypto"\nsources = "coingecko:x"\n', "sources: list them in order"),
    ('[routes.XAUT]\nclass = "crypto"\nsources = [3]\n', "3 is not a text"),
    ('[routes.XAUT]\nclass = "crypto"\nsources = ["kraken:XAUT"]\n', "'kraken:XAUT' is not provider:identifier"),
    ('[routes.XAUT]\nclass = "crypto"\nsources = ["fx:EUR"]\ncross_check = "x"\n', "line 4, [routes.XAUT] cross_check"),
    ('[routes.USDT]\nclass = "crypto"\nsources = ["fixed:usd"]\n', "only USD is fixed"),
    (NOTE.replace('"1200.00"', "1200.0"), 'price: 1200.0 is a float, which may lose digits; write "1200.0" in quotes'),
    (NOTE.replace("1200.00", "-1"), "line 3, [manual.NOTE_A] price: a price must lie between"),
    (NOTE.replace("1200.00", "0"), "a price must lie between"),
    (NOTE.replace('"EUR"', '"XYZ"'), "line 4, [manual.NOTE_A] currency: XYZ has no route; take one of"),
    (NOTE.replace('"EUR"', '["EUR"]'), "is not a currency"),
    (NOTE.replace("00Z", "00"), "has no time zone"),
    (NOTE.replace('"2026-11-01T00:00:00Z"', "2026-11-01"), "has no time zone"),
    (NOTE.replace("2026-11-01T00:00:00Z", "yesterday"), "'yesterday' is no instant"),
    (NOTE.replace("30", "0.5"), "is not a whole number of days"),
    (NOTE.replace("30", "-1"), "is not a whole number of days"),
    (NOTE.replace('price = "1200.00"\n', ""), "[manual.NOTE_A]: price is missing"),
    (NOTE.replace("NOTE_A", "BTC"), 'no route uses it; write [routes.BTC] with "manual:BTC" among its sources'),
]  # fmt: skip


@pytest.mark.finding("S2-RES-3")
@pytest.mark.parametrize(("text", "told"), FAULTS)
def test_a_file_that_cannot_be_believed_names_line_field_and_remedy(tmp_path: Path, text: str, told: str):
    assert told in fault(tmp_path, text)


@pytest.mark.parametrize(
    "table", [NOTE, '[routes.XAUT]\nclass = "crypto"\nsources = ["coingecko:tether-gold"]\n']
)
def test_a_route_or_mark_stands_in_one_file_only(tmp_path: Path, table: str):
    assert "treasury.toml has it too; keep one" in fault(tmp_path, table, table)


def test_a_file_that_is_no_text_or_no_file_is_malformed_not_absent(tmp_path: Path):
    (tmp_path / "treasury.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceMalformed, match=r"treasury\.toml: it is not UTF-8 text"):
        HoldingsFiles(folder=tmp_path, clock=TickingClock()).read()

    (tmp_path / "treasury.toml").unlink()
    (tmp_path / "treasury.toml").mkdir()
    with pytest.raises(SourceMalformed, match=r"treasury\.toml: it cannot be read") as refused:
        HoldingsFiles(folder=tmp_path, clock=TickingClock()).read()
    assert str(tmp_path) not in str(refused.value)


@pytest.mark.finding("S2-RES-3")
@given(st.text(max_size=60))
def test_whatever_stands_in_a_file_is_either_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str
):
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    (folder / "treasury.toml").write_bytes(f"[holdings]\n{text}".encode("utf-8", "replace"))

    try:
        reading = HoldingsFiles(folder=folder, clock=TickingClock()).read()
    except SourceMalformed:
        return
    assert reading.treasury_configured


def test_the_paper_fund_can_be_read_and_priced_at_any_date(tmp_path: Path):
    with as_file(files("hedge_pipeline") / "paper_fund") as folder:
        reading = HoldingsFiles(folder=folder, clock=TickingClock()).read()

    held = {place: {h.asset for h in reading.holdings if h.place is place} for place in Place}
    assert held == {Place.TREASURY: {"USDT", "BTC", "XAUT", "EUR"}, Place.RESERVES: {"USDC", "BTC", "NOTE_A"}}
    routed = {route.asset for route in reading.routes} | set(DEFAULT_ROUTES)
    assert {holding.asset for holding in reading.holdings} <= routed
    assert all(
        mark.max_age and mark.as_of + mark.max_age > NOON + timedelta(days=365) for mark in reading.marks
    )
