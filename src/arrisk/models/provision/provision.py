"""The provision of a day: historical rates, looked forward, on what is owed and not secured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from arrisk.models.loss_rates.fit import fit_loss_rates
from arrisk.models.loss_rates.loss_rates import Amount, LossRates
from arrisk.models.provision.basis import Basis

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["Provision", "make_provision"]


@dataclass(frozen=True, slots=True, eq=False)
class Provision:
    """What to set aside on a day, and every step to it; make one with `make_provision`.

    Attributes
    ----------
    as_of : Timestamp
    currency : str
    basis : Basis
    historical : LossRates
        From the ledger's own history.
    rates : LossRates
        After overlays.
    table : DataFrame
        segment, bucket, gross (owed), historical_rate, rate, provision; provisions rounded to the cent.
    total : Amount
    """

    as_of: pd.Timestamp
    currency: str
    basis: Basis
    historical: LossRates
    rates: LossRates
    table: pd.DataFrame
    total: Amount


def make_provision(snapshot: Snapshot, basis: Basis | None = None) -> Provision:
    """The provision of the day of a snapshot on a stated basis."""
    basis = basis or Basis()
    historical = fit_loss_rates(snapshot, basis.method, basis.by, basis.level, **basis.conventions)
    rates = historical
    table = pd.DataFrame(
        {
            "segment": rates.table["segment"],
            "bucket": rates.table["bucket"],
            "gross": rates.table["balance"],
            "historical_rate": historical.table["rate"],
            "rate": rates.table["rate"],
            "provision": rates.table["provision"],
        }
    )
    return Provision(snapshot.date, snapshot.currency, basis, historical, rates, table, rates.total)
