"""Random cards and frames for tests: every kind of term, value and text that a card may meet."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from arrisk.models.scoring.bins import Bins
from arrisk.models.scoring.card import Card
from arrisk.models.scoring.scaling import GRADES, PointScale
from arrisk.models.scoring.terms import BinnedTerm, LinearTerm

NAUGHTY = (
    "O'Brien",
    '"); DROP TABLE x; --',
    "back\\slash",
    "批发",
    "",
    " ",
    "missing",
    "other",
    "$a$",
    "{0}",
)
texts = st.one_of(
    st.sampled_from(NAUGHTY), st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
).filter(lambda t: "\x00" not in t)
numbers = st.floats(-1e6, 1e6).map(lambda x: x + 0.0)
weights = st.floats(-5, 5)


@st.composite
def number_bins(draw, name):
    edges = tuple(sorted(draw(st.sets(numbers, max_size=4))))
    specials = tuple(sorted(draw(st.sets(st.sampled_from((-1.0, -999.0, 0.0, float("inf"))), max_size=2))))
    return _bins(draw, name, "number", edges, (), specials, len(edges) + 1 + len(specials) + 1)


@st.composite
def text_bins(draw, name):
    known = sorted(draw(st.sets(texts, max_size=5)))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(known))), max_size=2)))
    groups = tuple(tuple(known[a:b]) for a, b in zip([0, *cuts], [*cuts, len(known)], strict=True) if a < b)
    specials = tuple(t for t in ("n/a",) if t not in known)
    return _bins(draw, name, "text", (), groups, specials, len(groups) + len(specials) + 2)


def _bins(draw, name, kind, edges, groups, specials, count):
    def several(values):
        return tuple(draw(st.lists(values, min_size=count, max_size=count)))

    counts = st.integers(0, 1000)
    woe = several(weights)
    return Bins(name, kind, edges, groups, specials, several(counts), several(counts), woe, 0.5, "free", 0.5)


@st.composite
def terms(draw, name):
    kind = draw(st.sampled_from(("linear", "number", "text")))
    if kind == "linear":
        low, high = sorted((draw(numbers), draw(numbers)))
        step = draw(st.floats(1e-3, 1e3))
        return LinearTerm(
            name, low, high, step, draw(numbers), draw(weights) * min(1.0, step / (high - low + 1))
        )
    bins = draw(number_bins(name) if kind == "number" else text_bins(name))
    return BinnedTerm(bins, draw(weights), draw(st.none() | (texts if kind == "text" else numbers)))


@st.composite
def cards(draw):
    names = draw(st.lists(texts.filter(bool), max_size=4, unique_by=str.lower))
    size = len(names) + 1
    root = np.array(draw(st.lists(st.floats(-1, 1), min_size=size * size, max_size=size * size)))
    root = root.reshape(size, size)
    return Card(
        terms=tuple(draw(terms(name)) for name in names),
        intercept=draw(weights),
        covariance=root @ root.T,
        scale=PointScale(draw(st.floats(100, 900)), draw(st.floats(1, 100)), draw(st.floats(5, 100))),
        grades=draw(st.sampled_from((GRADES, {"good": 0.1, 'b"d': 1.0}, {"only": 1.0}))),
        horizon_days=draw(st.none() | st.integers(30, 730)),
        clusters=draw(st.none() | st.integers(2, 500)),
        about=draw(st.dictionaries(texts, texts, max_size=2)),
    )


@st.composite
def frames_of(draw, card, rows=6):
    """A frame that the card can score, with values at the edges, special, missing, infinite and unseen."""
    columns = {}
    for term in card.terms:
        if isinstance(term, LinearTerm):
            values = st.sampled_from((term.low, term.high, np.nan, np.inf, -np.inf)) | numbers
        elif term.bins.kind == "number":
            marked = (*term.bins.edges, *term.bins.specials, np.nan, np.inf, -np.inf)
            values = st.sampled_from(marked) | numbers
        else:
            marked = (*(t for g in term.bins.groups for t in g), *term.bins.specials, None)
            values = st.sampled_from(marked) | texts
        drawn = draw(st.lists(values, min_size=rows, max_size=rows))
        is_text = not isinstance(term, LinearTerm) and term.bins.kind == "text"
        columns[term.name] = pd.array(drawn, dtype="string" if is_text else "float64")
    return pd.DataFrame(columns, index=pd.RangeIndex(10, 10 + rows))
