"""The page for the auditor: how to arrive at the provision from the files of a pack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from arrisk.display import money
from arrisk.report.evidence.manifest import MANIFEST
from arrisk.report.evidence.recipes import Recipe

if TYPE_CHECKING:
    from arrisk.models.provision.provision import Provision

__all__ = ["GUIDE", "write_guide"]

GUIDE = "README.md"
FILES = {
    "provision.xlsx": "the provision worked out by formula, from sums to total",
    "provision": "every cell of the run: balances, rates with intervals, losses",
    "items_behind_balances": "every open invoice with its segment, bucket and open amount",
    "sums_by_customer": "the sums that the rates are made of, by customer and month",
    "customers": "what each customer owes by bucket and what is provided for it",
    "secured_by_customer": "what enhancements take over, by customer and bucket",
    "enhancements": "terms of each enhancement, its treatment and the reason",
    "judged_by_themselves": "customers outside the pool: expected loss, who judged and on what grounds",
    "overlays_in_force": "what each overlay did to the amount",
    "overlay_log": "the log of overlays as it is, line chained to line",
    "framework": "what the accounting framework says of each option taken",
    "tie_out": "from what is owed to the open balance of the ledger",
    "control_totals": "control totals of the study beside the ledger",
    "quarantine": "every row of the ledger that was set apart, and why",
    "assumptions": "assumptions of the study with their sources",
    "study.toml": "the study as it was read",
    MANIFEST: "digests of every input and file, configuration, versions, what was tied out",
}


def write_guide(folder: Path, provision: Provision, recipe: Recipe) -> None:
    """Write how to re-perform the provision, step by step, and what each file of the folder is.

    Parameters
    ----------
    folder : Path
        Filled but for the manifest and this page.
    provision : Provision
    recipe : Recipe
    """
    (folder / GUIDE).write_text(_text(folder, provision, recipe), encoding="utf-8", newline="\n")


def _text(folder: Path, provision: Provision, recipe: Recipe) -> str:
    total, currency = provision.total, provision.currency
    told = (
        f"no amount: the ledger gives a bound of {money(total.high, currency, 2)}"
        if total.value is None
        else f"{money(total.value, currency, 2)} "
        f"({total.level:.0%} interval {money(total.low, currency, 2)} to {money(total.high, currency, 2)})"
    )
    files = [f"- `{p.name}`: {FILES[key]}" for p in sorted(folder.iterdir()) if (key := _key(p)) in FILES]
    choices = [f"- {_line(name)}: {_line(words)}" for name, words in provision.conventions.items()]
    steps = [f"{n}. {step}" for n, step in enumerate(_steps(provision, recipe), 1)]
    return "\n".join(
        [
            "# Evidence of a provision for trade receivables",
            "",
            f"Provision on {provision.as_of:%Y-%m-%d}: {told}.",
            "",
            "## How to re-perform it",
            "",
            *steps,
            "",
            "## Files",
            "",
            *files,
            f"- `{MANIFEST}`: {FILES[MANIFEST]}",
            "",
            "Tables are CSV up to a million rows and Parquet beyond. In CSV and in the workbook an "
            "apostrophe stands before text that a spreadsheet could take for a formula; the ledger has none.",
            "",
            "## Every choice",
            "",
            *choices,
            "",
        ]
    )


def _steps(provision: Provision, recipe: Recipe) -> list[str]:
    steps = [
        f"Run `arrisk evidence verify` on this folder, or compare SHA-256 digests with `{MANIFEST}` by hand: "
        "files here under `files`, the ledger under `sources`.",
        "Take any cell of `provision` (a segment and a bucket). Filter `items_behind_balances` by it: "
        "`open_amount` adds up to `gross`, to the cent. Trace invoices to documents.",
        "Add up the `gross` of all cells: `tie_out` leads to the open balance of the ledger, "
        "`control_totals` to your own control account. What was set apart is in `quarantine`, row by row.",
        "Take any sum of the sheet `counts` of `provision.xlsx`. Filter `sums_by_customer` by segment, sum "
        "and period: the values add up to it. Trace a customer's value to its account.",
    ]
    if recipe.shares:
        steps.append(
            f"Follow the sheet `rates`: {recipe.words}. Nothing is pasted: blue cells are inputs, black ones "
            "formulas. Write another number over a blue cell and the provision follows."
        )
    else:
        steps.append(
            "The sheet `rates` holds the historical rates as values: the function that makes them of the "
            "sums is too long for cells. Overlays and everything after them are formulas."
        )
    if provision.basis.overlays is not None:
        steps.append("Each overlay has columns of its own in `rates`; its terms stand in `overlays`.")
    steps.append(
        "The sheet `provision` multiplies balance and rate and rounds each product; the named cell "
        "`provision_total` is the sum. The sheet `checks` compares it with the run and the ledger; "
        "`checks_failed` is 0."
    )
    steps.append(
        "To make everything anew: the same ledger, `study.toml`, and the versions of the manifest give these "
        "files byte by byte."
    )
    return steps


def _key(path: Path) -> str:
    return path.name if path.name in FILES else path.stem


def _line(text: object) -> str:
    """Text of any origin as one line that no reader of Markdown takes for more."""
    flat = " ".join(str(text).split())
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|!" else c for c in flat)
