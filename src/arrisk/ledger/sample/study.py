"""What stands beside the tables of a sample: rows for the quarantine, and the study that reads the folder."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

__all__ = ["MARKER", "dirty_lines", "sample_study"]

MARKER = "# A study of the sample ledger, written by `arrisk sample`."
OWN = "assumption of the sample study"
TYPICAL = "assumption of the sample study; range of published policy terms"
OUTLOOK = f"{OWN}: no forecast is applied; notebook 11 tries the purchasing managers' index"
TIME_VALUE = f"{OWN}: terms of at most 60 days carry no interest, so losses are not discounted"
STUDIED = "assumption of the sample study; published studies disagree, so the range is wide"

CENTRAL_BANK = "European Central Bank, main refinancing operations, rate in force on the day"
RATES = (
    ("2022-01-01", 0.0),
    ("2022-07-01", 0.0),
    ("2023-01-01", 0.025),
    ("2023-07-01", 0.04),
    ("2024-01-01", 0.045),
    ("2024-07-01", 0.0425),
    ("2025-01-01", 0.0315),
    ("2025-07-01", 0.0215),
)

# name: (value, low, high, unit, source)
ASSUMPTIONS: dict[str, tuple[float, float, float, str, str]] = {
    "cost_of_capital": (0.08, 0.05, 0.12, "per year, 365", OWN),
    "gross_margin": (0.30, 0.25, 0.35, "fraction of sales", OWN),
    "lgd": (0.80, 0.60, 0.95, "fraction of exposure", f"{OWN}; used only without recoveries in the ledger"),
    "take_up": (0.30, 0.10, 0.50, "fraction of offered sales", STUDIED),
    "default_relief": (0.25, 0.0, 1.0, "share of takers' default risk removed", STUDIED),
    "sales_effect": (0.0, 0.0, 0.02, "fraction of sales", STUDIED),
    "already_early": (0.25, 0.0, 0.75, "fraction of takers", STUDIED),
    "asset_correlation": (0.15, 0.05, 0.25, "correlation", f"{OWN}; range used for model risk"),
    "terms_elasticity": (0.03, 0.0, 0.10, "relative change of sales per 30 days", STUDIED),
    "extra_pd_ratio": (1.5, 1.0, 3.0, "multiple of the grade's hazard", STUDIED),
    "interest_collected": (0.30, 0.05, 0.60, "fraction of interest billed", OWN),
    "prepayment_cut": (0.02, 0.01, 0.05, "fraction of the price", OWN),
    "bill_discount_rate": (0.03, 0.015, 0.06, "per year, 360", OWN),
    "bill_fee": (0.0005, 0.0, 0.001, "fraction of face value", OWN),
    "bank_pd": (0.001, 0.0002, 0.005, "probability in a year", OWN),
    "customer_churn": (0.10, 0.05, 0.20, "fraction of customers a year", OWN),
    "restriction_loss": (0.20, 0.05, 0.40, "fraction of sales", OWN),
    "learning_periods": (8.0, 4.0, 40.0, "periods", f"{OWN}: a choice, tried over its range"),
    "insured_share": (0.90, 0.80, 0.95, "fraction of covered loss", TYPICAL),
    "premium_rate": (0.003, 0.001, 0.006, "fraction of covered sales", TYPICAL),
    "minimum_premium": (20_000.0, 20_000.0, 20_000.0, "EUR per year", OWN),
    "aggregate_first_loss": (50_000.0, 0.0, 150_000.0, "EUR per year", OWN),
    "buyer_limit": (500_000.0, 200_000.0, 1_000_000.0, "EUR per customer", OWN),
    "maximum_liability_multiple": (30.0, 20.0, 40.0, "multiple of premium", TYPICAL),
    "non_qualifying_loss": (1_000.0, 0.0, 5_000.0, "EUR per customer", OWN),
    "each_and_every": (500.0, 0.0, 5_000.0, "EUR per loss", OWN),
    "selection_loading": (1.25, 1.0, 2.0, "multiple of the premium", OWN),
    "excess_years": (10.0, 5.0, 20.0, "years", OWN),
    "downturn_cut": (0.50, 0.25, 1.0, "fraction of limits", OWN),
    "downturn_share": (0.05, 0.02, 0.10, "fraction of years", OWN),
    "default_days": (90.0, 60.0, 120.0, "days overdue", OWN),
    "materiality": (500.0, 100.0, 5_000.0, "EUR overdue", OWN),
    "grace_days": (3.0, 0.0, 7.0, "days", OWN),
    "confidence_level": (0.95, 0.95, 0.95, "probability", "convention"),
    "stop_margin": (0.30, 0.25, 0.35, "fraction of sales", f"{OWN}: the gross margin"),
    "full_bonus": (4_000.0, 2_000.0, 8_000.0, "EUR per salesperson per year", OWN),
    "alert_budget": (2.0, 1.0, 5.0, "alerts per week", OWN),
    "risk_budget": (0.10, 0.05, 0.20, "fraction of yearly margin", f"{OWN}: an appetite, not an estimate"),
    "tail_limit": (0.005, 0.0025, 0.01, "fraction of yearly margin", f"{OWN}: an appetite, not an estimate"),
    "tail_level": (0.05, 0.05, 0.05, "probability", "convention: one draw of twenty"),
    "hurdle_rate": (0.10, 0.05, 0.15, "per year, 365", OWN),
    "capital_level": (0.995, 0.995, 0.995, "probability", "convention: losses of one year in 200"),
    "exposure_slope": (0.20, 0.0, 0.50, "relative change of risk per relative change of exposure", STUDIED),
    "lost_orders": (0.50, 0.20, 1.0, "fraction of stopped sales", OWN),
    "limit_change_cost": (150.0, 50.0, 500.0, "EUR per change", OWN),
    "limit_months": (2.0, 1.0, 3.0, "months of sales", f"{OWN}: a rule of thumb"),
    "net_worth_share": (0.10, 0.05, 0.20, "fraction of net worth", f"{OWN}: a rule of thumb"),
    "waiting_days": (180.0, 60.0, 180.0, "days", TYPICAL),
    "planned_payments": (0.96, 0.93, 1.0, "fraction of expected receipts", OWN),
    "reserve_confidence": (0.99, 0.95, 0.995, "probability", f"{OWN}: an appetite, not an estimate"),
    "insured_advance": (0.80, 0.60, 0.90, "fraction of insured receivables", OWN),
    "emergency_cost": (0.15, 0.05, 0.40, "fraction of the shortfall", OWN),
    "ageing_roll_cost": (0.0, 0.0, 0.0, "fraction of balance", f"{OWN}: none assumed"),
}

FUNDING = f"""
# Cash that is wanted for a year, and the ways to it that are open; quotes of your own go into offer sheets.
[settings.funding]
cash_wanted = 3000000.0

[settings.funding.pool]
overdue_days = 60
largest_share = 0.1

[[settings.funding.route]]
kind = "overdraft"
rate = 0.07
limit = 4000000.0
line_fee = 0.005
source = "{OWN}"

[[settings.funding.route]]
kind = "recourse factoring"
rate = 0.06
advance_rate = 0.8
service_fee = 0.004
office_saving = 40000.0
source = "{OWN}"

[[settings.funding.route]]
kind = "non-recourse factoring"
rate = 0.06
advance_rate = 0.8
service_fee = 0.004
protection_fee = 0.003
covered_share = 0.9
customer_limit = 500000.0
office_saving = 40000.0
source = "{OWN}"

[[settings.funding.route]]
kind = "securitisation"
rate = 0.05
setup_cost = 300000.0
years = 5.0
running_cost = 120000.0
source = "{OWN}"

[[settings.funding.route]]
kind = "voucher"
rate = 0.04
fee = 0.0005
share_of_sales = 0.2
source = "{OWN}"

[[settings.funding.route]]
kind = "early-payment discount"
price_discount = 0.02
within_days = 10.0
take_up = 0.22
source = "{OWN}"

[[settings.funding.route]]
kind = "insured loan"
rate = 0.06
advance_rate = 0.85
premium_rate = 0.003
insured_share = 0.9
customer_limit = 500000.0
first_loss = 50000.0
minimum_premium = 20000.0
source = "{OWN}"
"""

STRESS = f"""
# What a stress test needs beside the ledger. Scenarios may be named too: [[settings.stress.scenario]].
[settings.stress.balance_sheet]
cash = 1600000.0
near_cash = 400000.0
credit_line = 4000000.0
line_drawn = 1000000.0
current_liabilities = 8500000.0
debt = 11000000.0
ebitda = 5200000.0
minimum_cash = 500000.0
source = "{OWN}"

[[settings.stress.covenant]]
name = "leverage"
ratio = "net debt to EBITDA"
limit = 2.5

[[settings.stress.covenant]]
name = "liquidity"
ratio = "minimum liquidity"
limit = 1500000.0

[[settings.stress.covenant]]
name = "concentration"
ratio = "largest debtor"
limit = 0.15

[[settings.stress.covenant]]
name = "collateral"
ratio = "borrowing base"
limit = 0.0
"""

NOTE = """\
# The tables end with rows that belong in quarantine, and the control total leaves them out:
# invoices: a duplicate, an amount that is a text, a customer that does not exist, a missing customer;
# events: a payment of an invoice that does not exist by nobody known, 30 February, a kind nobody knows;
# orders: an amount that is a text.
"""


def dirty_lines(folder: Path) -> dict[str, list[str]]:
    """Rows for the quarantine, as lines of the CSV files in `folder`.

    Parameters
    ----------
    folder : Path
        Holds invoices.csv, whose first row is repeated.

    Returns
    -------
    dict of table name to list of str
    """
    with open(folder / "invoices.csv", encoding="utf-8") as file:
        _, first = next(file), next(file).rstrip("\n")
    cells = first.split(",")
    plain = ",".join([*cells[2:4], "{amount}", cells[5], *[""] * (len(cells) - 6)])
    ordinary = plain.format(amount="1250.00")
    return {
        "invoices": [
            first,
            f"INV-X000001,{cells[1]}," + plain.format(amount="see contract"),
            f"INV-X000002,C-UNKNOWN,{ordinary}",
            f"INV-X000003,,{ordinary}",
        ],
        "events": [
            "EV-X000001,2024-05-16,payment,840.00,EUR,INV-X999999,,",
            f"EV-X000002,2024-02-30,payment,310.50,EUR,{cells[0]},{cells[1]},",
            f"EV-X000003,2024-09-03,chargeback,99.00,EUR,{cells[0]},{cells[1]},",
        ],
        "orders": [f"SO-X000001,{cells[1]},2024-03-12,tbd,EUR,,,,"],
    }


def sample_study(end: dt.date, seed: int, balance: int, dirty: bool, judged: str | None = None) -> str:
    """Write the TOML of the study of a sample.

    Parameters
    ----------
    end : date
        The as-of date.
    seed : int
    balance : int
        Open balance at the end, in cents.
    dirty : bool
        Whether the tables carry rows for the quarantine.
    judged : str, optional
        The customer whose provision is judged by itself.

    Examples
    --------
    >>> import tomllib
    >>> study = tomllib.loads(sample_study(dt.date(2025, 12, 31), 1, 123456, dirty=False))
    >>> study["ledger"]["control"][0]["balance"]
    1234.56
    """
    head = f"""\
{MARKER}
{NOTE if dirty else ""}
[study]
name = "sample"
title = "Trade receivables of the sample company"
as_of = {end}
currency = "EUR"
seed = {seed}

[ledger]
path = "."
columns = "arrisk"

[[ledger.control]]
date = {end}
balance = {balance // 100}.{balance % 100:02d}

# Nobody owns what is 61 to 89 days overdue: the hole is in the policy as it was written down.
[[ownership.queue]]
name = "sales"
from_day = 0
to_day = 30

[[ownership.queue]]
name = "finance"
from_day = 31
to_day = 60

[[ownership.queue]]
name = "legal"
from_day = 90

# Days on which nobody pays; "12-25" is that day of every year.
[settings.calendar]
closed_weekdays = ["Saturday", "Sunday"]
holidays = ["01-01", "05-01", "12-25", "12-26"]

# Interest on late payment: the reference rate in force on the first day of each half-year, and 8 points.
[settings.late_interest]
multiple = 1.0
points = 0.08
day_count = "actual/365"
grace_days = 0
{_reference_rates()}
# Rates of loss come from the ledger; here stands what a ledger does not know.
[settings.provision]
framework = "IFRS 9"

[settings.provision.elections]
outlook = "{OUTLOOK}"
time_value = "{TIME_VALUE}"
"""
    head += "" if judged is None else _assessment(judged, end)
    head += FUNDING + STRESS
    return head + "".join(_assumption(name, *row) for name, row in ASSUMPTIONS.items())


def _reference_rates() -> str:
    rows = (f'  {{ valid_from = {day}, rate = {rate}, source = "{CENTRAL_BANK}" }},' for day, rate in RATES)
    return "\n".join(["rates = [", *rows, "]", ""])


def _assessment(customer: str, day: dt.date) -> str:
    return f"""
[[settings.provision.assessment]]
customer_id = "{customer}"
date = {day}
rate = 0.9
who = "credit manager"
why = "nothing paid for over 90 days: the largest of such debts"
evidence = "{OWN}; a real study names the file"
"""


def _assumption(name: str, value: float, low: float, high: float, unit: str, source: str) -> str:
    numbers = f"value = {value!r}\nlow = {low!r}\nhigh = {high!r}\n"
    return f'\n[assumptions.{name}]\n{numbers}unit = "{unit}"\nsource = "{source}"\n'
