import numpy as np
import pandas as pd

from arrisk.portfolio.signals.outside import customer_signal, market_shortfall

DAYS = np.arange(0, 100, 10)


def signals(*rows):
    frame = pd.DataFrame(
        rows, columns=["date", "signal", "value", "customer_id", "industry", "recorded_date"]
    )
    start = pd.Timestamp("1970-01-01")
    for column in ("date", "recorded_date"):
        frame[column] = [pd.NaT if pd.isna(d) else start + pd.Timedelta(days=d) for d in frame[column]]
        frame[column] = frame[column].astype("datetime64[s]")
    return frame.assign(region=None)


def test_a_suit_counts_from_the_day_it_was_known():
    rows = signals((5, "litigation", 1.0, "a", None, 31), (5, "litigation", 1.0, "z", None, None))
    got = customer_signal(rows, "litigation", DAYS, np.array(["a", "b"], dtype=object), 30)
    assert got[:, 0].tolist() == [0, 0, 0, 0, 1, 1, 1, 0, 0, 0]
    assert not got[:, 1].any()


def test_market_level_uses_the_latest_value_known():
    rows = signals(
        (0, "pmi", 52.0, None, None, 5), (10, "pmi", 48.0, None, None, 35), (20, "pmi", 51.0, None, None, 25)
    )
    who = pd.DataFrame({"customer_id": ["a"]})
    got = market_shortfall(rows, "pmi", DAYS, who, 50.0)[:, 0]
    assert np.isnan(got[0])
    assert got[1:].tolist() == [-2.0, -2.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0]


def test_industry_signals_concern_their_industry():
    rows = [(k, "climate", v, None, "Food", k) for k, v in enumerate([100, 101, 99, 100, 101, 99, 100, 80])]
    who = pd.DataFrame({"customer_id": ["a", "b", "c"], "industry": ["Food", "Steel", None]})
    got = market_shortfall(signals(*rows), "climate", DAYS, who)
    assert got[1, 0] > 3
    assert np.isnan(got[0, 0])  # one value has no past
    assert np.isnan(got[:, 1:]).all()
    without = market_shortfall(signals(*rows), "climate", DAYS, who[["customer_id"]])
    assert np.isnan(without).all()
