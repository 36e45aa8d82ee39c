"""arrisk: risk in trade receivables, from a raw ledger to a defended credit-policy decision.

The rooms, one way through: ledger (what happened), portfolio (where we stand), models (what will be), policy
(what to do), report (how it is told).
"""

from arrisk.display import Table
from arrisk.errors import ArriskError
from arrisk.ledger.book import Ledger, Snapshot
from arrisk.ledger.checks import Rules
from arrisk.ledger.reading import read_ledger
from arrisk.policy.recommendation import Recommendation
from arrisk.policy.study import Study, open_study
from arrisk.portfolio.ageing import make_ageing, make_ageing_panel
from arrisk.portfolio.turnover import make_turnover

__version__ = "0.1.0"

__all__ = [
    "ArriskError",
    "Ledger",
    "Recommendation",
    "Rules",
    "Snapshot",
    "Study",
    "Table",
    "make_ageing",
    "make_ageing_panel",
    "make_turnover",
    "open_study",
    "read_ledger",
]
