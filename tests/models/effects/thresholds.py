"""Made-up invoices around a threshold, of customers of unequal size whose truth is known."""

import numpy as np
import pandas as pd


def invoices(seed, customers=60, count=2400, jump=-6.0, cutoff=5000.0, spread=4.0, curve=0.0):
    """Days to payment that jump at the cutoff and bend with the amount; customers have their habits."""
    rng = np.random.default_rng(seed)
    size = np.exp(rng.normal(0, 1, customers))
    code = rng.choice(customers, count, p=size / size.sum())
    habit = rng.normal(0, spread, customers)
    amount = rng.lognormal(np.log(cutoff), 0.8, count)
    distance = np.log(amount / cutoff)
    days = 35 + 2 * distance + curve * distance**2 + jump * (amount >= cutoff) + habit[code]
    days = days + rng.normal(0, 6, count)
    return pd.DataFrame({"days": days, "amount": amount, "customer": code})


def lift(rows, share, cutoff=5000.0, reach=0.9, seed=0):
    """Move a share of the invoices just below the cutoff as far above it."""
    rng = np.random.default_rng(seed)
    amount = rows["amount"].to_numpy()
    moved = (amount > reach * cutoff) & (amount < cutoff) & (rng.random(len(rows)) < share)
    return rows.assign(amount=np.where(moved, 2 * cutoff - amount, amount))
