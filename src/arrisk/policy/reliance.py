"""Can these books carry a decision: what was set apart at the door, and whether the balance ties out."""

from __future__ import annotations

from arrisk.display import money
from arrisk.ledger.book import Ledger
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation
from arrisk.policy.study import Study

__all__ = ["recommend_reliance"]

QUESTION = "Can these books carry a decision?"
LARGEST_SHARE = 0.01
COUNTED = "counted; the high end gives unreadable amounts the mean of the readable"


def recommend_reliance(study: Study, ledger: Ledger, largest_share: float = LARGEST_SHARE) -> Recommendation:
    """Rely on the books when little was set apart and every control total ties.

    Parameters
    ----------
    study : Study
        Its control totals have been tied to the minor unit when the ledger was read.
    ledger : Ledger
    largest_share : float
        Share of invoiced money that may lie in quarantine; unreadable amounts count at the mean of the
        readable.

    Returns
    -------
    Recommendation
        "adopt" to rely on the books, "reject" when more than `largest_share` was set apart, "the data cannot
        say" when the study names no control total to tie to.
    """
    rows = ledger.checks.table
    rows = rows[(rows["table"] == "invoices") & (rows["currency"] == ledger.currency)]
    kept, apart = float(rows["amount_kept"].sum()), float(rows["amount_quarantined"].sum())
    unread = int(ledger.quarantine.loc[ledger.quarantine["table"] == "invoices", "amount"].isna().sum())
    mean = kept / max(int(rows["rows_kept"].sum()), 1)
    share, worst = apart / (kept + apart), (apart + unread * mean) / (kept + apart + unread * mean)
    found = f"{len(ledger.quarantine)} rows in quarantine, "
    found += f"{money(apart, ledger.currency)} of invoices ({share:.3%})"
    options = (
        Option("kept", kept, unit=ledger.currency, note=f"{int(rows['rows_kept'].sum()):,} invoices"),
        Option(
            "set apart", apart, unit=ledger.currency, note=f"{int(rows['rows_quarantined'].sum())} invoices"
        ),
    )
    scope = f"{len(ledger.items):,} invoices of {ledger.first_date:%Y-%m-%d} to {ledger.last_date:%Y-%m-%d}"
    if not study.controls:
        return _untied(study, found, scope, options)
    relies = worst <= largest_share
    totals = len(study.controls)
    ties = f"the open balance ties to {totals} control total{'s' if totals > 1 else ''}"
    return Recommendation(
        decision=QUESTION,
        verdict="adopt" if relies else "reject",
        answer=f"{'Yes' if relies else 'Not yet'}: {ties}, and {found}.",
        scope=scope,
        as_of=study.as_of,
        options=options,
        expected_value=Estimate(share, share, worst, 1.0, "fraction of invoiced money set apart", COUNTED),
        flip=Flip(
            "share of invoiced money in quarantine",
            worst,
            largest_share,
            "fraction",
            f"More than {largest_share:.1%} of invoiced money in quarantine, or an untied control total.",
        ),
        identified=True,
        design="every row is kept or set apart, counted on both sides; totals tie to the minor unit",
        experiment="Correct the quarantined rows in the source and read it again.",
    )


def _untied(study: Study, found: str, scope: str, options: tuple[Option, ...]) -> Recommendation:
    return Recommendation(
        decision=QUESTION,
        verdict="the data cannot say",
        answer=(
            f"The rows are sound as far as rows can tell ({found}), but the study names no control total, so "
            "nobody has checked that all invoices are here."
        ),
        scope=scope,
        as_of=study.as_of,
        options=options,
        experiment=(
            "Add the receivables balance of the general ledger on the as-of date to the study, as "
            "[[ledger.control]]."
        ),
    )
