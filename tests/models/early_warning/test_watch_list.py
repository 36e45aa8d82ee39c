import pandas as pd

from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.early_warning.watch_list import make_watch_list
from arrisk.portfolio.signals.alerts import make_alerts
from tests.ledger.frames import event, invoice, ledger_of


def test_reasons_exposure_and_days():
    rows = [
        invoice("1", "2024-01-01", 1000.0, "2024-01-31", customer_id="a"),
        invoice("2", "2024-01-01", 300.0, "2024-03-01", customer_id="b"),
        invoice("3", "2023-06-01", 50.0, "2023-07-01", customer_id="gone"),
        invoice("4", "2024-01-01", 50.0, "2024-07-01", customer_id="fine"),
    ]
    names = {"a": "<i>A & Co</i>", "b": None, "gone": "G", "fine": "F"}
    customers = [{"customer_id": c, "name": name} for c, name in names.items()]
    snapshot = ledger_of(rows, [event("2", "2024-01-15", 100.0)], customers=customers).as_of("2024-04-15")
    alerts = make_alerts(snapshot)
    watched = make_watch_list(alerts, snapshot, DefaultDefinition())
    table = watched.table.set_index("customer_id")
    assert list(table.index) == ["a", "b"]  # two alarms before one
    assert table.loc["a", "customer"] == "<i>A & Co</i>"
    assert table.loc["b", "customer"] == "b"
    assert table.loc["a", "reason"] == "1,000 more than 30 days overdue; 1,000 more than 60 days overdue"
    assert table["exposure"].tolist() == [1000.0, 200.0]
    # More than 30 days overdue from 2 March; Mondays: the 4th is 42 days before 15 April.
    assert table.loc["a", "days_on"] == 42
    assert watched.in_default == 1
    assert "EUR 1,200" in watched.to_table().title
    assert "<i>" not in watched._repr_html_()
    assert "number of alarms" in watched.to_table().note


def test_nobody_to_watch():
    snapshot = ledger_of([invoice("1", "2024-01-01", 10.0, "2024-12-31")]).as_of("2024-02-01")
    watched = make_watch_list(make_alerts(snapshot), snapshot, DefaultDefinition())
    assert watched.table.empty
    assert watched.to_table().title.startswith("0 customers")
    assert isinstance(watched.to_table().frame, pd.DataFrame)
