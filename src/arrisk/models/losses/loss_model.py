"""What a ledger says about the inputs of a year's loss: who, how likely, how much, and how together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.experience import DefaultExperience, read_default_experience
from arrisk.models.losses import loss_model_page as page
from arrisk.models.losses.correlation import CorrelationEvidence, estimate_correlation
from arrisk.models.losses.exposure_at_default import ExposureGrowth, read_exposure_growth
from arrisk.models.losses.level_posterior import CorrelationPrior, LevelPosterior, fit_level_posterior
from arrisk.models.losses.open_book import EXPOSURES, ExposureBasis, OpenBook, read_open_book
from arrisk.models.losses.pd_levels import HIGHEST_PD, level_pds, within_days
from arrisk.models.losses.portfolio import Dependence, LossPortfolio, make_portfolio
from arrisk.models.losses.severity_evidence import AssumedSeverity, SeverityEvidence, read_severity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard

__all__ = ["LossModel", "fit_loss_model"]

FloatArray = NDArray[np.float64]
NOBODY = "nobody"
YEAR = 365
LOWEST_PD = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class LossModel:
    """Inputs of a loss engine, with what the ledger leaves open about them; made by `fit_loss_model`.

    Parameters
    ----------
    as_of : Timestamp
    currency : str
    portfolio : LossPortfolio
        Customers at risk at the central level; one of name "nobody" that owes nothing when there is none.
    dependence : Dependence
        Central: the posterior mean of the correlation.
    level : float
        Central probability that a customer is lost within a year, the mean over customers: the rate that the
        ledger counts; when it shows too few lost customers, the highest that it does not rule out.
    cases : DataFrame
        scale (of the central level), rho, industry_rho, weight (posterior probability; they sum to 1).
    sales : array of shape (obligors,)
        Invoiced to each customer of the portfolio in the last year, currency units.
    book : OpenBook
        All customers, and what is left out.
    experience : DefaultExperience
        Counted years.
    posterior : LevelPosterior
        Of level and correlation.
    severity : SeverityEvidence
        Of the share lost.
    growth : ExposureGrowth
        What lost customers owed in the end over what they owed before; used when asked for.
    scored : str
        What orders the customers, in words.
    level_of_range : float
        Coverage of intervals.
    what_if : str
        What is assumed because the ledger shows too few lost customers; empty when it shows enough.
    conventions : dict of str to str
    """

    as_of: pd.Timestamp
    currency: str
    portfolio: LossPortfolio
    dependence: Dependence
    level: float
    cases: pd.DataFrame
    sales: FloatArray
    book: OpenBook
    experience: DefaultExperience
    posterior: LevelPosterior
    severity: SeverityEvidence
    growth: ExposureGrowth
    scored: str
    level_of_range: float
    what_if: str
    conventions: dict[str, str]

    @property
    def identified(self) -> bool:
        """Whether the ledger holds enough lost customers to count a level."""
        return not self.what_if

    @property
    def excluded(self) -> float:
        """Owed by customers in default, currency units: no risk of next year, whether lost or not."""
        return self.book.in_default

    @property
    def mean_scale(self) -> float:
        """Posterior mean of the level over the central one."""
        scale, weight = (self.cases[c].to_numpy(dtype=float) for c in ("scale", "weight"))
        return float(scale @ weight)

    @property
    def evidence(self) -> CorrelationEvidence:
        """What the counted years say about the correlation beyond the prior."""
        counted = self.experience.years[self.experience.years["counted"]]
        counts = counted.rename(columns={"at_risk": "trials", "lost": "events"})
        return estimate_correlation(counts, self.posterior.prior, self.level_of_range, as_of=self.as_of)

    def at(self, scale: float, rho: float) -> tuple[LossPortfolio, Dependence]:
        """The portfolio at another level and correlation.

        Parameters
        ----------
        scale : float
            Times the central level; customers keep their order, and their mean is `scale` times theirs.
        rho : float
            Asset correlation.

        Raises
        ------
        ModelError
            If the scale is not above 0, or the correlation is out of range.
        """
        if not scale > 0:
            raise ModelError(f"the scale of the level is above 0, got {scale}")
        return _at_scale(self.portfolio, scale), Dependence(rho, self.dependence.industry_rho)

    @property
    def table(self) -> pd.DataFrame:
        """term, estimate, low, high, source: the inputs and their ranges."""
        return page.inputs_frame(self)

    @property
    def diagnostics(self) -> dict[str, Any]:
        """Counts, balances and the basis of every input."""
        return page.diagnose(self)

    def finding(self) -> str:
        """Level with its range, and how many customers owe how much, in one sentence."""
        return page.describe_model(self)

    def to_table(self, name: str = "loss_inputs") -> Table:
        """The inputs of the loss of a year, each with its range and source."""
        return page.show_inputs(self, name)

    def balance_table(self, name: str = "loss_balances") -> Table:
        """From the open balance of the ledger to the balance at risk."""
        return page.show_balances(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """What the ledger leaves open: level and correlation, with the weight of each case."""
        return page.plot_cases(self, ax)

    def _repr_html_(self) -> str:
        tables = (self.to_table(), self.balance_table())
        return "".join(frame_html(t.frame, t.title, t.note, t.formats) for t in tables)

    def __repr__(self) -> str:
        return f"LossModel({self.as_of:%Y-%m-%d}, {self.finding()})"


def fit_loss_model(
    snapshot: Snapshot,
    card: Scorecard | None = None,
    definition: DefaultDefinition | None = None,
    prior: CorrelationPrior | None = None,
    industry_rho: float = 0.0,
    severity: AssumedSeverity | None = None,
    exposure: ExposureBasis = "today",
    level: float = 0.95,
) -> LossModel:
    """Read probabilities, balances, severities and dependence of the customers from a ledger.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    card : Scorecard, optional
        Orders the customers; without one, or one that could not be fitted, all have the same probability.
    definition : DefaultDefinition, optional
        When a customer counts as defaulted; the scorecard's own by default.
    prior : CorrelationPrior, optional
        Held of the asset correlation before the counts; 0.05 to 0.25 by default.
    industry_rho : float
        What customers of one industry have in common on top; a plain assumption.
    severity : AssumedSeverity, optional
        Share lost, where the ledger cannot say.
    exposure : {"today", "usual", "peak", "grown"}
        Balance that a default meets; see `read_open_book`. "grown" is that of the day times the growth that
        lost customers showed (`read_exposure_growth`).
    level : float
        Coverage of intervals; its upper end is "the highest not ruled out".

    Returns
    -------
    LossModel

    Raises
    ------
    LookAheadError
        If the scorecard knows more than the snapshot.

    Notes
    -----
    What is insured and provided for is a default that ends in a loss, so the level is that of customers who
    were lost (`read_default_experience`), not of those who were late. Under a common factor the pooled rate
    is an unbiased estimate of it, but most years lie below the mean: the posterior mean is above the rate
    that few years show, and `cases` carries that.

    On 42 sample ledgers followed for two and a half years (`benchmarks/coverage_losses.py`, with a scorecard)
    the balances of the day gave 0.66 +- 0.09 of the losses that came and grown balances 1.03 +- 0.15:
    customers owe more when they fail than on an ordinary day. With all customers alike it was 0.41 +- 0.04
    and 0.62 +- 0.07 (60 ledgers): those about to fail already owe more.

    Examples
    --------
    >>> import arrisk as ar
    >>> ledger = ar.read_ledger({"invoices": pd.DataFrame({
    ...     "invoice_id": ["1", "2"], "customer_id": ["a", "b"],
    ...     "issue_date": ["2023-12-10", "2024-12-02"], "due_date": ["2024-01-09", "2025-01-01"],
    ...     "amount": [100.0, 50.0]})}, currency="EUR")
    >>> model = fit_loss_model(ledger.as_of("2024-12-31"))
    >>> model.identified, model.excluded, model.portfolio.exposure.tolist()
    (False, 100.0, [50.0])
    >>> round(float(model.cases["weight"].sum()), 9)
    1.0
    """
    rule = definition or (card.definition if card is not None else DefaultDefinition())
    held = prior or CorrelationPrior()
    experience = read_default_experience(snapshot, rule, level)
    counted = experience.years[experience.years["counted"]] if experience.trials else experience.years[:0]
    posterior = fit_level_posterior(counted["at_risk"], counted["lost"], held)
    highest = float(posterior.level_quantile(0.5 + level / 2))
    found = read_severity(snapshot, experience, severity)
    central = experience.rate if experience.identified and experience.events else min(highest, HIGHEST_PD)
    what_if = "" if experience.identified and experience.events else _what_if(central, found)
    growth = read_exposure_growth(snapshot, experience, level)
    book = read_open_book(snapshot, experience.in_default, exposure, growth.factor)
    chance, scored = _chances(snapshot, card, book, central)
    dependence = Dependence(posterior.mean_rho, industry_rho)
    return LossModel(
        snapshot.date,
        snapshot.currency,
        _portfolio(book, chance, found),
        dependence,
        central,
        posterior.cases(central).assign(industry_rho=industry_rho)[
            ["scale", "rho", "industry_rho", "weight"]
        ],
        _or_zero(book.included["sales"].to_numpy(dtype=float)),
        book,
        experience,
        posterior,
        found,
        growth,
        scored,
        level,
        what_if,
        _conventions(experience, held, exposure, scored),
    )


def _what_if(level: float, severity: SeverityEvidence) -> str:
    return (
        f"up to {level:.1%} of customers lost a year are not ruled out, and {severity.mean:.0%} of what they "
        "owe is assumed to be lost"
    )


def _conventions(
    experience: DefaultExperience, prior: CorrelationPrior, exposure: ExposureBasis, scored: str
) -> dict[str, str]:
    return {
        **experience.conventions,
        "balance at default": EXPOSURES[exposure],
        "left out": "customers in default; customers with nothing at risk",
        "order of customers": scored,
        "level": "mean probability over the customers invoiced in the last year and not in default",
        "prior of the correlation": prior.describe(),
        "prior of the level": "Jeffreys' rule: one over the standard deviation of a year's rate",
        "years": "each has its own common factor, independent of the last",
    }


def _chances(
    snapshot: Snapshot, card: Scorecard | None, book: OpenBook, level: float
) -> tuple[FloatArray, str]:
    """Probability of each customer of the book, in default or not, and what orders them."""
    people = book.customers
    if card is None or not card.identified:
        return np.full(len(people), level), "none: all customers alike"
    scored = card.predict(snapshot).set_index("customer_id")["pd"]
    given = scored.reindex(people["customer_id"]).to_numpy(dtype=float)
    counted = _active(snapshot, people)
    inside = counted & np.isfinite(given)
    if not inside.any():
        return np.full(len(people), level), "none: all customers alike"
    given = np.where(np.isfinite(given), given, np.median(given[inside]))
    yearly = within_days(np.clip(given, LOWEST_PD, 1.0), card.horizon_days, YEAR)
    told = f"scorecard over {card.horizon_days} days, taken to a year at a constant hazard; ratios kept"
    return level_pds(yearly, level, inside), told


def _active(snapshot: Snapshot, people: pd.DataFrame) -> NDArray[np.bool_]:
    """Customers counted as at risk: invoiced in the last year and not in default."""
    items = snapshot.items
    recent = (items["amount"] > 0) & (items["issue_date"] > snapshot.date - pd.Timedelta(days=YEAR))
    seen = people["customer_id"].isin(items.loc[recent, "customer_id"].unique())
    return np.asarray(seen & ~people["in_default"], dtype=bool)


def _portfolio(book: OpenBook, chance: FloatArray, severity: SeverityEvidence) -> LossPortfolio:
    inside = book.included
    if inside.empty:
        return make_portfolio(0.0, np.zeros(1), severity.mean, name=[NOBODY])
    return make_portfolio(
        chance[book.customers["included"].to_numpy(dtype=bool)],
        inside["exposure"],
        severity.mean,
        severity.spread,
        inside["industry"],
        inside["customer_id"],
    )


def _at_scale(portfolio: LossPortfolio, scale: float) -> LossPortfolio:
    mean = float(portfolio.pd.mean())
    if scale == 1.0 or mean == 0:
        return portfolio
    return replace(portfolio, pd=level_pds(portfolio.pd, min(scale * mean, HIGHEST_PD)))


def _or_zero(amounts: FloatArray) -> FloatArray:
    return amounts if amounts.size else np.zeros(1)
