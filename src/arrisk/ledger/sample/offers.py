"""Offer sheets of a sample: what insurers, factors and banks might quote for it."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

__all__ = ["OFFERS_FOLDER", "write_offers"]

OFFERS_FOLDER = "offers"
VALID_DAYS = 90
HEAD = """\
# An offer for the sample ledger, written by `arrisk sample`; nobody made it.
# Compare all of this folder: arrisk offers {folder}
# The meaning of every key: arrisk offers --template {word}
[offer]
kind = "{kind}"
provider = "{provider}"
name = "{name}"
currency = "EUR"
dated = {dated}
valid_until = {valid_until}
source = "invented for the sample; terms within published ranges"

[terms]
"""

WHOLE = """\
premium_rate = "0.28%"
premium_base = "sales"
minimum_premium = 60_000
fees = 2_500
limit_fee = 60
bonus = 0.10
bonus_ratio = 0.20
insured_share = 0.90
buyer_limit = 500_000
non_qualifying_loss = 1_000
each_and_every = 500
maximum_liability_multiple = 30
maximum_extension_days = 90
waiting_days = 180
payment_days = 30
insolvent_share = 0.5
"""
FIRST_LOSS = """\
premium_rate = "0.19%"
premium_base = "sales"
minimum_premium = 50_000
insured_share = 0.95
buyer_limit = 750_000
aggregate_first_loss = 50_000
maximum_liability = 2_000_000
maximum_extension_days = 60
waiting_days = 150
payment_days = 30
insolvent_share = 0.5
"""
EXCESS = """\
premium_rate = "0.9%"
premium_base = "balances"
minimum_premium = 40_000
insured_share = 1.0
discretionary_limit = 300_000
discretionary_condition = "a credit file not older than a year"
aggregate_first_loss = 250_000
maximum_liability = 3_000_000
disputes_excluded = false
order = ["buyer_limit", "insured_share", "aggregate_first_loss", "maximum_liability"]
"""
FACTOR = """\
rate = "5.9%"
advance_rate = 0.90
service_fee = "0.35%"
minimum_fee = 60_000
setup_fee = 5_000
limit = 4_000_000
"""
WITHOUT_RECOURSE = """\
rate = "6.1%"
advance_rate = 0.85
service_fee = "0.40%"
protection_fee = "0.45%"
covered_share = 0.90
customer_limit = 400_000
minimum_fee = 60_000
"""
BANK_LINE = """\
rate = "6.8%"
limit = 1_500_000
line_fee = "0.50%"
setup_fee = 4_000
"""
SHEETS = {
    "insurance_whole_turnover": ("insurance", "Northern Credit Insurance", "whole turnover", WHOLE),
    "insurance_first_loss": ("insurance", "Harbour Mutual", "above a first loss", FIRST_LOSS),
    "insurance_excess_of_loss": ("insurance", "Stone Bridge Re", "excess of loss", EXCESS),
    "factoring_with_recourse": ("recourse factoring", "Quay Factors", "with recourse", FACTOR),
    "factoring_without_recourse": (
        "non-recourse factoring", "Quay Factors", "without recourse", WITHOUT_RECOURSE,
    ),
    "overdraft": ("overdraft", "Savings Bank of the Valley", "line for one year", BANK_LINE),
}  # fmt: skip
"""File name: kind, provider, name, terms."""


def write_offers(folder: Path, end: dt.date) -> tuple[Path, ...]:
    """Write the sheets into ``offers`` of a sample's folder.

    Parameters
    ----------
    folder : Path
    end : date
        As-of date of the sample; the offers are of this day and valid for ninety more.

    Returns
    -------
    tuple of Path

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     len(write_offers(Path(place), dt.date(2025, 12, 31))) == len(SHEETS)
    True
    """
    target = folder / OFFERS_FOLDER
    target.mkdir(exist_ok=True)
    until = end + dt.timedelta(days=VALID_DAYS)
    written = []
    for file, (kind, provider, name, terms) in SHEETS.items():
        head = HEAD.format(
            kind=kind,
            word=kind.replace(" ", "-"),
            provider=provider,
            name=name,
            dated=end,
            valid_until=until,
            folder=OFFERS_FOLDER,
        )
        part, path = target / f".{file}.part", target / f"{file}.toml"
        part.write_bytes((head + terms).encode())
        os.replace(part, path)
        written.append(path)
    return tuple(written)
