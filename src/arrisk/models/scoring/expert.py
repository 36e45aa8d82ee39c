"""Expert points for customers without history: registry data, ratios and reputation, as a dated table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import LookAheadError
from arrisk.models.scoring.expert_file import parse_cards, read_toml
from arrisk.models.scoring.expert_item import UNANSWERED, ExpertItem
from arrisk.models.scoring.scaling import grade_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["JUDGEMENT", "ExpertCard", "PointLink", "read_expert_card"]

Floats = NDArray[np.float64]
BLUE, GREY = "#0072B2", "#8C8C8C"
REASONS = 2
NOTHING_KNOWN, NOTHING_AGAINST = "nothing is known", "nothing against it in what is known"
JUDGEMENT = (
    "Expert points are judgement, fitted to no data: take them as an order until they are back-tested."
)


@dataclass(frozen=True, slots=True)
class PointLink:
    """The stated link from points to a probability of default.

    Parameters
    ----------
    horizon_days : int
        The probability is of default within so many days.
    points, odds, double : float
        `odds` good to one bad at so many `points`; `double` more points double the odds.
    reach : float
        The points may be wrong by so much either way: the range of the probability.
    source, why : str

    Examples
    --------
    >>> link = PointLink(365, 600, 30, 20, 20, "convention", "")
    >>> link.probability([600, 620, 580]).round(4).tolist()
    [0.0323, 0.0164, 0.0625]
    """

    horizon_days: int
    points: float
    odds: float
    double: float
    reach: float
    source: str
    why: str

    def probability(self, points: ArrayLike) -> Floats:
        """Probability of default at points: ``1 / (1 + odds * 2 ** ((points - base) / double))``."""
        doublings = (np.asarray(points, dtype=float) - self.points) / self.double
        return np.asarray(1.0 / (1.0 + self.odds * 2.0 ** np.clip(doublings, -500, 500)))


@dataclass(frozen=True, slots=True)
class ExpertCard:
    """A dated table of points for what is known of a customer before it has paid anything.

    Parameters
    ----------
    title : str
    valid_from : Timestamp
        First day on which it may be used.
    source, why : str
        Who set the points.
    base_points : float
        Points of a customer whose every answer is worth nothing either way.
    link : PointLink
    items : tuple of ExpertItem

    Examples
    --------
    A new customer of which the accounts and the age are known, another of which nothing is:

    >>> card = ExpertCard.read("2025-12-31")
    >>> new = pd.DataFrame({"current_assets": [90.0, None], "current_liabilities": [100.0, None],
    ...     "debt_ratio": [0.85, None], "years_in_business": [2.0, None]}, index=["N1", "N2"])
    >>> scored = card.score(new)
    >>> scored[["points", "pd", "pd_low", "pd_high", "grade", "answered"]].round(3)
        points     pd  pd_low  pd_high grade  answered
    N1   550.0  0.159   0.050    0.402     C     0.245
    N2   571.0  0.083   0.021    0.279     B     0.000
    >>> scored["reasons"].iloc[0]
    'liabilities are 85% of assets (-14 points); current ratio 0.90 (-10 points)'
    """

    title: str
    valid_from: pd.Timestamp
    source: str
    why: str
    base_points: float
    link: PointLink
    items: tuple[ExpertItem, ...]

    @classmethod
    def read(cls, as_of: str | pd.Timestamp, path: str | Path | None = None) -> ExpertCard:
        """The card in force on a day.

        Parameters
        ----------
        as_of : date
            A card that is valid only from a later day is not looked at.
        path : path, optional
            A TOML file of one or more `[[card]]`; by default the one that comes with arrisk, whose points are
            conventions.

        Raises
        ------
        ModelError
            If the file cannot be used; the message names the place.
        LookAheadError
            If no card was valid on the day.

        Examples
        --------
        >>> ExpertCard.read("2013-07-01").title
        'Expert points from registry data, accounts and reputation'
        """
        data, name = read_toml(path)
        day = pd.Timestamp(as_of)
        cards = parse_cards(data, name)
        held = [c for c in cards if c["valid_from"] <= day]
        if not held:
            raise LookAheadError(
                f"{name}: no expert card is valid on {day:%Y-%m-%d}; the first is valid from "
                f"{cards[0]['valid_from']:%Y-%m-%d}"
            )
        return cls(**{**held[-1], "link": PointLink(**held[-1]["link"])})

    def score(self, frame: pd.DataFrame, reasons: int = REASONS) -> pd.DataFrame:
        """Points, probability with its stated range, and grade of each row.

        Parameters
        ----------
        frame : DataFrame
            One row a customer with any of the columns that the items read: from `make_features`, from a
            registry, or both. Other columns are ignored; a column that is not there is not answered.
        reasons : int
            At most so many.

        Returns
        -------
        DataFrame
            Index as given; `points`; `pd`, `pd_low`, `pd_high` within the link's horizon; `grade`;
            `answered` (share of the points that could be asked for); `reasons` (the answers that cost
            most); `unanswered` (items, by name).

        Raises
        ------
        ModelError
            If a value is of the wrong kind, or out of the range that its item allows.

        Notes
        -----
        The range is stated and not estimated: the reach of the link and the doubt of each unanswered item, in
        points, taken as independent and added in squares.
        """
        values = {i.name: i.values(frame) for i in self.items}
        codes = {i.name: i.codes(values[i.name]) for i in self.items}
        points, reach, known = self._sums(codes, len(frame))
        total = self.base_points + points
        pd_of = self.link.probability
        return pd.DataFrame(
            {
                "points": total,
                "pd": pd_of(total),
                "pd_low": pd_of(total + reach),
                "pd_high": pd_of(total - reach),
                "grade": grade_of(pd_of(total), self.link.horizon_days),
                "answered": known,
                "reasons": self._reasons(values, codes, reasons),
                "unanswered": self._unanswered(codes, len(frame)),
            },
            index=frame.index,
        )

    def item_points(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Points of each row (index) and item (columns), those of missing answers included."""
        return pd.DataFrame({i.name: i.score(frame) for i in self.items}, index=frame.index)

    def _sums(self, codes: dict[str, NDArray[np.int64]], rows: int) -> tuple[Floats, Floats, Floats]:
        """Points, by how much they may be wrong, and the share of the points that was asked for."""
        points, doubt, known = np.zeros(rows), np.full(rows, self.link.reach**2), np.zeros(rows)
        for item in self.items:
            unknown = codes[item.name] == UNANSWERED
            points += item.points_of(codes[item.name])
            doubt += np.where(unknown, item.doubt**2, 0.0)
            known += np.where(unknown, 0.0, item.span)
        spans = sum(item.span for item in self.items)
        return points, np.sqrt(doubt), known / spans if spans else known

    def _reasons(
        self, values: dict[str, pd.Series], codes: dict[str, NDArray[np.int64]], count: int
    ) -> list[str]:
        """The answers that cost most, in words; an item earlier in the card goes first among equals."""
        points = np.column_stack([i.points_of(codes[i.name]) for i in self.items])
        answered = np.column_stack([codes[i.name] != UNANSWERED for i in self.items])
        told = []
        for row, order in enumerate(np.argsort(points, axis=1, kind="stable")):
            costly = [k for k in order if answered[row, k] and points[row, k] < 0][:count]
            words = [
                f"{self.items[k].tell(values[self.items[k].name].iloc[row])} ({points[row, k]:+.0f} points)"
                for k in costly
            ]
            plain = NOTHING_AGAINST if answered[row].any() else NOTHING_KNOWN
            told.append("; ".join(words) or plain)
        return told

    def _unanswered(self, codes: dict[str, NDArray[np.int64]], rows: int) -> list[str]:
        open_ = {name: code == UNANSWERED for name, code in codes.items()}
        return [", ".join(name for name, held in open_.items() if held[row]) for row in range(rows)]

    def gaps(self, frame: pd.DataFrame, name: str = "expert_gaps") -> Table:
        """Which items could not be answered, for how many rows, and which columns would answer them."""
        rows = []
        for item in self.items:
            missing = int((item.codes(item.values(frame)) == UNANSWERED).sum())
            if missing:
                reads = " or ".join(item.reads)
                rows.append((item.name, item.what, missing, missing / len(frame), item.span, reads))
        columns = ["item", "asks", "without_answer", "share", "points_at_stake", "answered_by"]
        table = pd.DataFrame(rows, columns=columns).sort_values(
            "points_at_stake", ascending=False, kind="stable"
        )
        title = f"{len(rows)} of {len(self.items)} items lack answers for some of {len(frame)} customers"
        note = "An unanswered item has the points the card states for it, and the probability a wider range."
        return Table(name, title, table.reset_index(drop=True), note, {"share": "percent"})

    def to_table(self, name: str = "expert_card") -> Table:
        """All answers with their points, their sources and the link to probabilities."""
        rows = [
            (item.name, answer, points, item.source, item.why)
            for item in self.items
            for answer, points in [
                *zip(item.answers, item.points, strict=True),
                ("no answer", item.missing),
            ]
        ]
        frame = pd.DataFrame(rows, columns=["item", "answer", "points", "source", "why"])
        title = f"{self.title}, valid from {self.valid_from:%Y-%m-%d}"
        formats: dict[str, Format] = {"points": "number"}
        return Table(name, title, frame, f"{self.described} {JUDGEMENT}", formats)

    @property
    def described(self) -> str:
        """The base, the link and their sources in words."""
        link = self.link
        return (
            f"Starts at {self.base_points:g} points ({self.source}). {link.points:g} points mean "
            f"{link.odds:g} good to 1 bad within {link.horizon_days} days, {link.double:g} more double the "
            f"odds, {link.reach:g} either way are the stated range ({link.source})."
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """How far each item can move a customer, and where no answer puts it."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots()[1]
        items = sorted(self.items, key=lambda i: i.span)
        at = np.arange(len(items))
        low, high = ([f(i.points) for i in items] for f in (min, max))
        ax.hlines(at, low, high, color=BLUE, lw=5, alpha=0.6, label="worst to best answer")
        ax.plot([i.missing for i in items], at, "d", color=GREY, label="no answer")
        ax.axvline(0, color=GREY, lw=0.8)
        ax.set_yticks(at, [i.name.replace("_", " ") for i in items])
        ax.grid(visible=False, axis="y")
        ax.set_xlabel(f"points ({self.link.double:g} halve or double the odds)")
        most = items[-1]
        ax.set_title(
            f"By judgement, {most.name.replace('_', ' ')} counts most: {min(most.points):+.0f} points"
        )
        ax.legend(loc="lower left")
        return stamp(ax, self.valid_from, "valid from; not back-tested")

    def _repr_html_(self) -> str:
        t = self.to_table()
        return frame_html(t.frame, t.title, t.note, t.formats)


def read_expert_card(as_of: str | pd.Timestamp, path: str | Path | None = None) -> ExpertCard:
    """Read the expert card in force on a day; see `ExpertCard.read`.

    Examples
    --------
    >>> read_expert_card("2025-12-31").link.horizon_days
    365
    """
    return ExpertCard.read(as_of, path)
