"""Small sample ledgers whose discounts are offered in a way that a test chooses."""

import functools

import numpy as np
import pandas as pd

from arrisk.ledger.reading import read_ledger
from arrisk.ledger.sample.generator import BASE_TRUTH, make_sample

END = pd.Timestamp(BASE_TRUTH.end)


@functools.cache
def tables(invoices=3000, seed=7, truth=BASE_TRUTH):
    return make_sample(invoices, seed, truth=truth)


@functools.cache
def usual():
    return read_ledger(dict(tables()), currency="EUR")


def snapshot_of(frames=None, date=END):
    ledger = usual() if frames is None else read_ledger(dict(frames), currency="EUR")
    return ledger.as_of(date)


def offered(mask):
    """The sample with exactly these invoices offered; who took what stays as it was."""
    frames = dict(tables())
    invoices = frames["invoices"].copy()
    keep = np.asarray(mask(invoices, frames["customers"]), dtype=bool) & (invoices["amount"] > 0)
    invoices["discount_rate"] = np.where(keep, 0.02, np.nan)
    invoices["discount_days"] = np.where(keep, 10.0, np.nan)
    return snapshot_of(frames | {"invoices": invoices})
