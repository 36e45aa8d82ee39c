import numpy as np
import pandas as pd

from arrisk.models.early_warning.lead_times import caught_defaults


def frame(*rows):
    out = pd.DataFrame(rows, columns=["date", "customer_id"])
    return out.assign(date=pd.to_datetime(out["date"]))


def test_first_alert_within_the_horizon_counts():
    alerts = frame(("2024-01-01", "a"), ("2024-02-20", "a"), ("2024-03-01", "b"))
    defaults = frame(("2024-03-01", "a"), ("2024-03-01", "b"), ("2024-03-01", "c"))
    assert caught_defaults(alerts, defaults, 60)[0] == 60
    assert caught_defaults(alerts, defaults, 59)[0] == 10
    assert np.isnan(caught_defaults(alerts, defaults, 60)[1:]).all()  # on the day of default; never alerted


def test_matches_a_plain_search():
    rng = np.random.default_rng(1)
    start = np.datetime64("2024-01-01")
    draw = lambda n: pd.DataFrame(  # noqa: E731
        {"date": start + rng.integers(0, 400, n), "customer_id": rng.integers(0, 5, n).astype(str)}
    )
    alerts, defaults = draw(40), draw(60)
    found = caught_defaults(alerts, defaults, 90)
    for lead, customer, date in zip(found, defaults["customer_id"], defaults["date"], strict=True):
        mine = alerts.loc[alerts["customer_id"] == customer, "date"]
        ahead = (date - mine).dt.days
        ahead = ahead[(ahead > 0) & (ahead <= 90)]
        assert lead == ahead.max() if len(ahead) else np.isnan(lead)


def test_nothing_to_catch():
    none = frame(("2024-01-01", "a")).iloc[:0]
    assert len(caught_defaults(frame(("2024-01-01", "a")), none, 90)) == 0
    assert np.isnan(caught_defaults(none, frame(("2024-01-01", "a")), 90)).all()
