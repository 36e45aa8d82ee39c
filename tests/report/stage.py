"""Notebooks that show things, as if they had been executed, and what they show."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from arrisk.display import Table
from arrisk.policy.assumptions import Assumption
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation

SCRIPT = "<script>alert(1)</script>"
FORMULA = "=cmd|' /C calc'!A0"


def make_recommendation(**changes: Any) -> Recommendation:
    """A recommendation as a discount study could give it."""
    values: dict[str, Any] = {
        "decision": "Offer 2/10 net 60 to the wholesalers?",
        "verdict": "reject",
        "answer": "The discount costs more than the earlier cash is worth: takers would have paid on time.",
        "scope": "segment wholesale, 41 customers",
        "as_of": pd.Timestamp("2025-12-31"),
        "options": (
            Option("no discount", 0.0, 0.0, 0.0, "EUR a year"),
            Option("1/10 net 60", -6100.0, -14000.0, 1500.0, "EUR a year"),
            Option("2/10 net 60", -17808.0, -31250.0, -4400.0, "EUR a year"),
        ),
        "expected_value": Estimate(-17808.0, -31250.0, -4400.0, 0.95, "EUR a year", "1,000 common draws"),
        "flip": Flip("cost_of_capital", 0.08, 0.163, "per year, 365", "Cost of capital above 16.3% a year."),
        "identified": False,
        "design": "take-up is assumed, no customer was ever offered a discount",
        "experiment": "Offer 2/10 to 12 customers drawn by lot for two quarters.",
        "assumptions": (Assumption("cost_of_capital", 0.08, 0.05, 0.12, "per year, 365", "treasury"),),
        "notes": ("Days are counted from the invoice date.",),
    }
    return Recommendation(**{**values, **changes})


def cannot_say(decision: str = "Insure the book?") -> Recommendation:
    return Recommendation(
        decision=decision,
        verdict="the data cannot say",
        answer="No customer defaulted in three years, so a loss can neither be counted nor priced.",
        scope="all customers",
        as_of=pd.Timestamp("2025-12-31"),
        experiment="Ask two insurers for the loss record of the ten largest customers.",
    )


def picture() -> str:
    """A figure as the inline backend shows it."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from arrisk.report.style import use_style

    with mpl.rc_context():
        use_style()
        figure = Figure()
        ax = figure.subplots()
        ax.bar(["not due", "1-30", "31-60", "61-90", "over 90"], [61, 19, 9, 4, 7])
        ax.set_title("Most of the money is not due yet")
        ax.set_ylabel("% of open balance")
        stream = io.BytesIO()
        figure.savefig(stream, format="png", metadata={"Software": None})
    return base64.b64encode(stream.getvalue()).decode()


def shown(*results: Any, memo: bool = False, extra: dict[str, Any] | None = None) -> Any:
    """A code cell that has shown these results."""
    bundles = [r._repr_mimebundle_() for r in results] + ([extra] if extra else [])
    cell = new_code_cell("show()", metadata={"tags": ["memo"] if memo else []})
    cell.outputs = [new_output("display_data", data=bundle) for bundle in bundles]
    return cell


def make_notebook(title: str, *cells: Any) -> Any:
    return new_notebook(cells=[new_markdown_cell(f"# {title}"), *cells])


def full_notebooks() -> list[Any]:
    headline = pd.DataFrame(
        {"open_balance": [4218330.4], "overdue_share": [0.2312], "dso": [47.3], "customers": [203]}
    )
    kinds = {"open_balance": "money", "overdue_share": "percent", "dso": "days"}
    ageing = pd.DataFrame(
        {
            "bucket": ["not due", "1-30", "31-60", SCRIPT, FORMULA],
            "amount": [2573181.3, 801482.8, 379649.7, 168733.2, 295283.5],
            "share": [0.61, 0.19, 0.09, 0.04, 0.07],
        }
    )
    start = make_notebook(
        "Where do we stand?",
        shown(Table("headline", "Where we stand", headline, formats=kinds)),  # type: ignore[arg-type]
        shown(
            Table(
                "ageing", "Open items by age", ageing, "Ties out.", {"amount": "money", "share": "percent"}
            ),
            memo=True,
            extra={"image/png": picture(), "text/plain": "<Figure>"},
        ),
    )
    discount = make_notebook(
        "Is a cash discount worth its price?",
        shown(make_recommendation()),
        new_markdown_cell("The grid compares *every* scheme on the same draws.", metadata={"tags": ["memo"]}),
    )
    keep = make_recommendation(
        decision=f"Keep the terms of {SCRIPT}?",
        verdict="keep",
        answer=f"{SCRIPT} pays late but surely.",
        expected_value=Estimate(52000.0, 12000.0, 97000.0, 0.95, "EUR a year", "jackknife by customer"),
        options=(),
    )
    again = make_recommendation()
    rest = make_notebook("What is left to decide?", shown(keep, cannot_say(), again, memo=True))
    return [start, discount, rest]


def quality() -> tuple[Table, ...]:
    checks = pd.DataFrame({"table": ["invoices"], "rows_in": [3], "rows_kept": [2], "rows_quarantined": [1]})
    return (Table("checks", "Rows and money at the door", checks, "2 invoices without a due date: kept"),)


def write_notebook(folder: Path, name: str, *sources: str, tags: dict[int, list[str]] | None = None) -> Path:
    """A notebook of code cells, not executed."""
    cells = [new_code_cell(s, metadata={"tags": (tags or {}).get(i, [])}) for i, s in enumerate(sources)]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ipynb"
    nbformat.write(make_notebook(name.replace("_", " "), *cells), path)
    return path
