"""Made-up panels whose effects are known."""

import numpy as np
import pandas as pd

COLUMNS = {"outcome": "days", "unit": "customer", "cluster": "customer", "period": "month", "start": "first"}

# Callaway and Sant'Anna (2021), teen employment: mean log employment in 2003 to 2007 of the counties that
# raised the minimum wage first in the year named (0: never), and how many counties they are.
YEARS = range(2003, 2008)
COUNTIES = {0: 309, 2004: 20, 2006: 40, 2007: 131}
EMPLOYMENT = {
    0: (5.654630022, 5.591999998, 5.604808434, 5.638896282, 5.661132540),
    2004: (6.179696834, 6.106563563, 6.059452087, 6.026704354, 6.085387988),
    2006: (6.573993628, 6.517883716, 6.527941333, 6.557434575, 6.543040968),
    2007: (5.842906496, 5.810783128, 5.820865670, 5.823866399, 5.820048247),
}


def employment(cohorts=tuple(COUNTIES), years=tuple(YEARS)):
    """The published panel by its means: two halves of every cohort, so that there are clusters."""
    rows = [
        (f"{cohort}{half}", year, float(cohort) if cohort else np.nan, EMPLOYMENT[cohort][year - 2003], n / 2)
        for cohort, n in COUNTIES.items()
        for half in "ab"
        for year in years
        if cohort in cohorts
    ]
    return pd.DataFrame(rows, columns=["customer", "month", "first", "days", "counties"])


def staggered(starts=(4.0, 8.0, np.nan), months=12, each=3):
    """Customers whose effect grows by 1 with every month since their start; no noise."""
    rows = [
        (f"{number}-{k}", month, first, 30.0 + 7 * number + k + 0.5 * month + max(0.0, month - first + 1))
        if first == first
        else (f"{number}-{k}", month, first, 30.0 + 7 * number + k + 0.5 * month)
        for number, first in enumerate(starts)
        for k in range(each)
        for month in range(months)
    ]
    return pd.DataFrame(rows, columns=["customer", "month", "first", "days"])


def noisy(seed, customers=40, share=0.5, months=24, start=12, effect=-5.0, spread=2.0, drift=0.0):
    """Invoices of customers of unequal size whose months lean on each other; effects differ by customer."""
    rng = np.random.default_rng(seed)
    sizes = np.maximum(6, np.round(30 * np.exp(rng.normal(-0.5, 1.0, customers)))).astype(int)
    treated = rng.permutation(customers) < round(share * customers)
    shocks = np.empty((customers, months))
    shocks[:, 0] = rng.normal(0, 4, customers)
    for month in range(1, months):
        shocks[:, month] = 0.6 * shocks[:, month - 1] + rng.normal(0, 3.2, customers)
    own = effect + spread * rng.standard_normal(customers)
    code = np.repeat(np.arange(customers), sizes)
    month = rng.integers(0, months, code.size)
    after = treated[code] & (month >= start)
    days = 40 + 8 * rng.standard_normal(customers)[code] + shocks[code, month] + rng.gamma(2, 6, code.size)
    days = days + np.where(after, own[code], 0.0) + drift * np.where(treated[code], month, 0)
    first = np.where(treated[code], float(start), np.nan)
    amount = np.exp(8 + 0.8 * rng.standard_normal(customers)[code] + 0.7 * rng.standard_normal(code.size))
    frame = {"customer": code, "month": month, "first": first, "days": days, "amount": amount}
    return pd.DataFrame(frame)
