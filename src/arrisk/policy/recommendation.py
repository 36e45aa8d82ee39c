"""A recommendation: a plain verdict with the options, the interval, what would flip it, and the sources."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any, get_args

import pandas as pd

from arrisk.policy.assumptions import Assumption
from arrisk.policy.recommendation_page import (
    RECOMMENDATION_MIME,
    Verdict,
    recommendation_html,
    recommendation_text,
)

__all__ = [
    "RECOMMENDATION_MIME",
    "Estimate",
    "Flip",
    "Option",
    "Recommendation",
    "Verdict",
    "recommendation_schema",
]

SIGNIFICANT_DIGITS = 6
VERDICTS: tuple[str, ...] = get_args(Verdict)


@dataclass(frozen=True, slots=True)
class Option:
    """One of the choices compared: its value with an interval, in `unit` (a currency code means money)."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval at `level` (a probability) and the method that gave it."""

    value: float
    low: float
    high: float
    level: float
    unit: str
    method: str


@dataclass(frozen=True, slots=True)
class Flip:
    """What would change the verdict: a parameter, where it stands, and where the verdict turns.

    `threshold` is None when no value within the stated range turns it; `sentence` then says so.
    """

    parameter: str
    current: float | None
    threshold: float | None
    unit: str
    sentence: str


@dataclass(frozen=True, slots=True, repr=False)
class Recommendation:
    """The answer to one decision; renders itself as text, HTML and JSON.

    Parameters
    ----------
    decision : str
        The question.
    verdict : {"adopt", "keep", "reject", "the data cannot say"}
        The plain answer.
    answer : str
        One sentence for a finance director; for "the data cannot say", the reason.
    scope : str
        To whom or what it applies.
    as_of : Timestamp
        The day the facts were read.
    options : tuple of Option
        What was compared.
    expected_value : Estimate or None
        What following the verdict is worth.
    flip : Flip or None
        What would turn it.
    identified : bool
        Whether the data, by its design, can support a causal reading.
    design : str
        The design that identifies it, or why there is none.
    experiment : str
        The cheapest next experiment.
    assumptions : tuple of Assumption
        What was assumed, with sources.
    notes : tuple of str
        Caveats and evidence printed with the verdict.

    Raises
    ------
    ValueError
        If the verdict is unknown; if adopt, keep or reject comes without an expected value with its
        interval or without a flip; if "the data cannot say" comes without a reason or an experiment; if
        an interval does not hold its value.

    Examples
    --------
    >>> r = Recommendation(
    ...     decision="Insure the book?", verdict="the data cannot say",
    ...     answer="The ledger holds no loss.", scope="all customers", as_of=pd.Timestamp("2025-12-31"),
    ...     experiment="Ask the insurer for its loss record of the ten largest customers.",
    ... )
    >>> Recommendation.from_json(r.to_json()) == r
    True
    """

    decision: str
    verdict: Verdict
    answer: str
    scope: str
    as_of: pd.Timestamp
    options: tuple[Option, ...] = ()
    expected_value: Estimate | None = None
    flip: Flip | None = None
    identified: bool = False
    design: str = ""
    experiment: str = ""
    assumptions: tuple[Assumption, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "as_of", pd.Timestamp(self.as_of).normalize())
        for name in ("options", "assumptions", "notes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _check_words(self)
        _check_support(self)
        for option in self.options:
            _check_interval(f"option {option.name!r}", option.low, option.value, option.high)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, numbers rounded to six significant digits, unbounded numbers as null."""
        plain = asdict(self)
        plain["as_of"] = self.as_of.strftime("%Y-%m-%d")
        rounded = _rounded(plain)
        assert isinstance(rounded, dict)
        return rounded

    def to_json(self, indent: int | None = None) -> str:
        """JSON text that follows `recommendation_schema`."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=indent)

    @classmethod
    def from_json(cls, data: str | Mapping[str, Any]) -> Recommendation:
        """Read what `to_json` wrote, as text or already parsed.

        Raises
        ------
        ValueError
            If keys are missing or unknown, or the recommendation is not valid.
        """
        plain = dict(json.loads(data) if isinstance(data, str) else data)
        try:
            value, flip = plain["expected_value"], plain["flip"]
            plain["as_of"] = pd.Timestamp(dt.date.fromisoformat(plain["as_of"]))
            plain["options"] = tuple(Option(**o) for o in plain["options"])
            plain["expected_value"] = None if value is None else Estimate(**value)
            plain["flip"] = None if flip is None else Flip(**flip)
            plain["assumptions"] = tuple(Assumption(**a) for a in plain["assumptions"])
            return cls(**plain)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a recommendation: {error}") from error

    def __repr__(self) -> str:
        return recommendation_text(self)

    def _repr_html_(self) -> str:
        return recommendation_html(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {
            "text/plain": recommendation_text(self),
            "text/html": recommendation_html(self),
            RECOMMENDATION_MIME: self.to_dict(),
        }


def recommendation_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a recommendation.

    Examples
    --------
    >>> recommendation_schema()["title"]
    'Recommendation'
    """
    text = files("arrisk.policy").joinpath("recommendation.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _check_words(r: Recommendation) -> None:
    if r.verdict not in VERDICTS:
        raise ValueError(f"verdict {r.verdict!r}: allowed are {', '.join(VERDICTS)}")
    for name in ("decision", "answer", "scope"):
        if not getattr(r, name).strip():
            raise ValueError(f"a recommendation needs its {name}")


def _check_support(r: Recommendation) -> None:
    if r.verdict == "the data cannot say":
        if not r.experiment.strip():
            raise ValueError("'the data cannot say' needs the cheapest experiment that would")
        if r.identified:
            raise ValueError("'the data cannot say' and identified contradict each other")
    elif r.expected_value is None or r.flip is None:
        missing = "an expected value with its interval" if r.expected_value is None else "what would flip it"
        raise ValueError(f"verdict {r.verdict!r} needs {missing}")
    if r.identified and not r.design.strip():
        raise ValueError("identified needs the design that identifies it")
    if r.expected_value is not None:
        e = r.expected_value
        if not all(math.isfinite(v) for v in (e.value, e.low, e.high)) or not 0 < e.level <= 1:
            raise ValueError("the expected value needs a finite value, interval and a level between 0 and 1")
        _check_interval("the expected value", e.low, e.value, e.high)


def _check_interval(what: str, low: float | None, value: float | None, high: float | None) -> None:
    low = -math.inf if low is None else low
    high = math.inf if high is None else high
    middle = low if value is None else value
    slack = 1e-9 * max(1.0, abs(middle) if math.isfinite(middle) else 1.0)
    if not (low - slack <= middle <= high + slack):
        raise ValueError(f"{what}: value {value} lies outside its interval [{low}, {high}]")


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    number = float(value)
    if not math.isfinite(number):
        return None
    return float(f"{number:.{SIGNIFICANT_DIGITS}g}")
