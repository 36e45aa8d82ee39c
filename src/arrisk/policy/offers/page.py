"""Compared offers as tables and sentences that a finance director reads."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from arrisk.display import Format, Table, money
from arrisk.policy.insurance.retained import NO_INSURANCE
from arrisk.policy.offers.kinds import KINDS

if TYPE_CHECKING:
    from arrisk.policy.offers.comparison import OfferComparison

__all__ = ["all_tables", "clauses_table", "describe_comparison", "ranking_table"]

MONEY: Format = "money"
TEXT: Format = "text"


def describe_comparison(compared: OfferComparison) -> str:
    """The cheapest offer, how surely, and its dearest clause, in one sentence."""
    best = compared.best
    row = compared.ranking[compared.ranking["offer"] == best].to_dict("records")[0]
    kind = "What-if, cheapest" if compared.what_if else "Cheapest"
    cost = money(row["cost"], compared.currency)
    told = f"{kind}: {best}, {cost} a year, capital included, cheapest in {row['p_best']:.0%} of cases"
    told += _close_call(compared)
    own = compared.clauses[compared.clauses["offer"] == best]
    if own.empty or own["share"].iloc[0] <= 0:
        return told
    dearest = own.iloc[0]
    return f"{told}; dearest clause: {dearest['words']}, {money(float(dearest['share']), compared.currency)}"


def _close_call(compared: OfferComparison) -> str:
    """What keeps the order of the first two from being sure: the error of the run, or the cases."""
    valid = compared.ranking[~compared.ranking["expired"]].to_dict("records")
    first, second = valid[0], valid[1] if len(valid) > 1 else None
    if second is None:
        return ""
    if second["behind"] < 2 * second["behind_error"]:
        return f", too close to {second['offer']} to tell apart"
    often = max(valid[1:], key=lambda row: row["p_best"])
    if often["p_best"] > first["p_best"]:
        return f"; {often['offer']} is in {often['p_best']:.0%}, but costs more in the bad ones"
    return ""


def ranking_table(compared: OfferComparison, name: str) -> Table:
    """The offers from the cheapest to the dearest."""
    frame = compared.ranking.drop(columns="expired").copy()
    if compared.wanted == 0:
        frame = frame.drop(columns=["cash", "rate"])
    frame["kind"] = [KINDS[k].title if k else "" for k in frame["kind"]]
    frame["valid_until"] = [
        "" if day is None else f"{day} (expired)" if old else str(day)
        for day, old in zip(compared.ranking["valid_until"], compared.ranking["expired"], strict=True)
    ]
    amounts = (
        "cash",
        "charges",
        "kept",
        "money",
        "retained_99.5",
        "cost",
        "cost_error",
        "mean_regret",
        "worst_regret",
    )
    formats: dict[str, Format] = dict.fromkeys(amounts, MONEY)
    formats |= {"p_best": "percent", "rate": "percent", "offer": TEXT, "kind": TEXT, "valid_until": TEXT}
    return Table(name, compared.finding(), frame, _ranking_note(compared), formats)


def _ranking_note(compared: OfferComparison) -> str:
    parts = [f"{compared.what_if[:1].upper()}{compared.what_if[1:]}."] if compared.what_if else []
    parts.append(
        f"{compared.currency} a year. {_funding_note(compared)}Kept: mean loss not paid, "
        "and the cost of waiting. Money: both. Retained 99.5: loss kept in one year of 200. Cost: money, and "
        "the cost of capital for the worst 1% of years; ranked by it over all cases of loss rate and "
        f"correlation, with its Monte Carlo error of {compared.years:,} years. Behind: "
        "cost above that of the best. Regret: the same case by case."
    )
    if compared.ranking["expired"].any():
        parts.append(f"Expired on {compared.day}: shown, never the best.")
    return " ".join(parts)


def _funding_note(compared: OfferComparison) -> str:
    if compared.wanted == 0:
        return "Charges: premium with fees, after bonus and malus. "
    wanted = money(compared.wanted, compared.currency)
    return (
        f"Cash of {wanted} is wanted; what an offer does not bring costs the cost of capital. Rate: "
        "effective annual cost of the cash, losses apart. Charges: premium, interest and fees, and that "
        "capital. "
    )


def all_tables(compared: OfferComparison) -> tuple[Table, ...]:
    """Every table of a comparison, the ranking first."""
    return (
        ranking_table(compared, "offers_ranking"),
        clauses_table(compared, "offers_clauses"),
        _differences_table(compared, "offers_differences"),
        _asks_table(compared, "offers_asks"),
        _flips_table(compared, "offers_flips"),
        _terms_table(compared, "offers_terms"),
    )


def clauses_table(compared: OfferComparison, name: str) -> Table:
    """What each clause of each offer costs, dearest first, up to the cost of the offer."""
    rows: list[Mapping[Hashable, Any]] = []
    for offer in compared.offers:
        own = compared.clauses[compared.clauses["offer"] == offer.label]
        rows += [_bare_row(compared, offer.label), *own.to_dict("records")]
    columns = ["offer", "words", "share", "share_error", "alone", "alone_error", "sentence"]
    frame = pd.DataFrame(rows, columns=columns)
    frame = frame.rename(columns={"words": "clause", "sentence": "in_words"})
    formats: dict[str, Format] = dict.fromkeys(("share", "share_error", "alone", "alone_error"), MONEY)
    note = (
        f"{compared.currency} a year, capital included; a negative cost is a saving. Share: what a clause "
        "adds to the cost, averaged over all orders in which clauses could be put in; shares add up exactly "
        "to the cost of the offer. Alone: what the offer would cost less without this clause and with all "
        "others. Errors: Monte Carlo, at most."
    )
    formats |= dict.fromkeys(("offer", "clause", "in_words"), TEXT)
    return Table(name, "Which clause costs what", frame, note, formats)


def _bare_row(compared: OfferComparison, offer: str) -> Mapping[Hashable, Any]:
    cost = compared.bare[offer]
    said = f"Without any clause it costs {money(cost, compared.currency)} a year"
    return {
        "offer": offer,
        "words": "without any clause",
        "share": cost,
        "share_error": 0.0,
        "sentence": said,
    }


def _differences_table(compared: OfferComparison, name: str) -> Table:
    frame = compared.differences.drop(columns="clause").rename(columns={"words": "clause"})
    best = str(frame["against"].iloc[0]) if len(frame) else compared.best
    note = (
        f"{compared.currency} a year: what each clause in which two offers differ adds to the cost of the "
        "first over that of the second. The shares of a pair add up exactly to the difference of their "
        "costs. Offers of another kind have other clauses: see what each of theirs costs."
    )
    formats: dict[str, Format] = dict.fromkeys(("share", "share_error"), MONEY)
    formats |= dict.fromkeys(("offer", "against", "clause", "here", "there"), TEXT)
    return Table(name, f"Why the other offers of its kind differ from {best}", frame, note, formats)


def _asks_table(compared: OfferComparison, name: str) -> Table:
    frame = compared.asks.drop(columns="clause").rename(columns={"words": "term"})
    title = "What to negotiate first"
    own = compared.asks[compared.asks["offer"] == _cheapest_offer(compared)]
    if len(own):
        row = own.iloc[0]
        saves = money(float(row["saves"]), compared.currency)
        title = f"{title}: the {row['words']} ({row['now']} to {row['asked']} saves {saves} a year)"
    note = (
        f"{compared.currency} a year, one change at a time: the rate a tenth lower, each other term "
        "brought half way to nothing, or taken away when it has no amount."
    )
    formats: dict[str, Format] = {"saves": MONEY}
    formats |= dict.fromkeys(("offer", "term", "now", "asked"), TEXT)
    return Table(name, title, frame, note, formats)


def _flips_table(compared: OfferComparison, name: str) -> Table:
    frame = compared.flips.drop(columns="clause").rename(columns={"words": "term", "sentence": "in_words"})
    formats: dict[str, Format] = dict.fromkeys(("offer", "term", "now", "turns_at", "in_words"), TEXT)
    note = "One change at a time, all else as offered, on average over all cases."
    return Table(name, "Which change would turn the ranking", frame, note, formats)


def _terms_table(compared: OfferComparison, name: str) -> Table:
    """The sheets side by side: one row a key, one column an offer."""
    columns: dict[str, list[str]] = {}
    keys = list(dict.fromkeys(key for offer in compared.offers for key in offer.table["key"]))
    for offer in compared.offers:
        said = dict(zip(offer.table["key"], offer.table["value"], strict=True))
        columns[offer.label] = [said.get(key, "") for key in keys]
    frame = pd.DataFrame({"key": keys, **columns})
    sources = "; ".join(f"{offer.label}: {offer.source}" for offer in compared.offers)
    formats: dict[str, Format] = dict.fromkeys(frame.columns, TEXT)
    return Table(name, "The terms as offered", frame, f"Sources. {sources}.", formats)


def _cheapest_offer(compared: OfferComparison) -> str:
    """The first of the ranking that is an offer."""
    names = [str(n) for n in compared.ranking["offer"] if n != NO_INSURANCE]
    return names[0]
