"""Made-up names for the sample ledger, some of them hard on careless readers and writers."""

from __future__ import annotations

from arrisk.ledger.sample.world import Generator

__all__ = ["DEPARTMENTS", "HARD_NAMES", "SALESPEOPLE", "make_names"]

DEPARTMENTS = ("Sales North", "Sales South", "Sales East", "Sales West", "Export")
SALESPEOPLE = (
    "A. Nowak", "B. Lindqvist", "C. Okafor", "D. Moreau", "E. Rossi", "F. Çelik", "G. Brandt", "王 H.",
    "I. Novák",
)  # fmt: skip
STEMS = (
    "Alder", "Birke", "Cobalt", "Dorn", "Elster", "Finken", "Granit", "Hafen", "Iris", "Juniper", "Kupfer",
    "Linden", "Mistral", "Nordlicht", "Opal", "Pappel", "Quarz", "Rotdorn", "Silber", "Tanne", "Ulme",
    "Veilchen", "Weiden", "Xenon", "Ysop", "Zeder",
)  # fmt: skip
TRADES = {
    "Food": ("Feinkost", "Foods", "Backwaren", "Getränke"),
    "Electronics": ("Elektronik", "Circuits", "Licht", "Kabel"),
    "Construction": ("Bau", "Dach & Wand", "Tiefbau", "Ausbau"),
    "Automotive": ("Fahrzeugteile", "Gears", "Achsen", "Motoren"),
    "Health": ("Medizintechnik", "Pharma", "Pflege", "Labor"),
    "Municipal": ("Stadtwerke", "Landkreis", "Schulamt", "Wasserverband"),
}
FORMS = {
    "DE": ("GmbH", "AG", "GmbH & Co. KG"),
    "AT": ("GmbH", "AG"),
    "PL": ("sp. z o.o.", "S.A."),
    "NL": ("B.V.", "N.V."),
    "BE": ("NV", "SRL"),
    "FR": ("SARL", "SAS"),
    "IT": ("S.r.l.", "S.p.A."),
    "SE": ("AB",),
    "CN": ("(Shanghai) Co., Ltd.",),
}
# By row: formulas, markup, quotes, other alphabets. Reports must show them as text.
HARD_NAMES = {
    3: "=SUM(A1)",
    8: "<b>Bold & Co</b>",
    13: 'O\'Brien "Best" Tools, Ltd.',
    21: "Müller & Söhne GmbH",
    34: "样例贸易有限公司",
    47: "示范机械（上海）有限公司",
    58: "+44 Logistics",
    69: "@home Retail",
    77: "-10% Outlet",
    90: "Société d'Essai, S.à r.l.",
}


def make_names(industries: list[str], countries: list[str], rng: Generator) -> list[str]:
    """Make one name for each customer, all different.

    Parameters
    ----------
    industries, countries : list of str
        Of each customer.
    rng : Generator

    Examples
    --------
    >>> import numpy as np
    >>> len(set(make_names(["Food"] * 50, ["DE"] * 50, np.random.default_rng(1))))
    50
    """
    draws = rng.integers(0, 2**31, (len(industries), 3))
    names, seen = [], set()
    for row, (industry, country, (stem, trade, form)) in enumerate(
        zip(industries, countries, draws, strict=True)
    ):
        trades, forms = TRADES[industry], FORMS[country]
        name = f"{STEMS[stem % len(STEMS)]} {trades[trade % len(trades)]}"
        if name in seen:
            name = f"{name} {row + 1}"
        seen.add(name)
        legal = "" if industry == "Municipal" else f" {forms[form % len(forms)]}"
        names.append(HARD_NAMES.get(row, name + legal))
    return names
