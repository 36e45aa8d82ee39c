"""A small, strict calculator of workbooks: it reads formulas alone and knows nothing of how they were made.

It knows the few functions that evidence uses, and fails on anything else. Text in arithmetic is an error, as
it is in a spreadsheet.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import openpyxl
from openpyxl.utils import range_boundaries

TOKENS = re.compile(
    r"""\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?)|"(?P<text>[^"]*)"
    |(?P<ref>[a-z]+!\$?[A-Z]+\$?\d+(?::\$?[A-Z]+\$?\d+)?)|(?P<name>[A-Z]+)\(|(?P<op><=|>=|<>|[-+*/=<>(),]))""",
    re.VERBOSE,
)


class Area(list):
    """Rows of the values of a range."""

    @property
    def flat(self) -> list[Any]:
        return [value for row in self for value in row]


def numbers(values: tuple[Any, ...]) -> list[float]:
    """Numbers among arguments; text is passed over inside a range only, as in a spreadsheet."""
    out: list[float] = []
    for value in values:
        if isinstance(value, Area):
            out += [v for v in value.flat if isinstance(v, int | float) and not isinstance(v, bool)]
        else:
            out.append(number(value))
    return out


def number(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, str):
        raise ValueError(f"#VALUE!: {value!r} is no number")
    return float(value)


def round_half_up(value: Any, digits: Any) -> float:
    """As a spreadsheet rounds: half away from zero, on 15 significant digits."""
    place = Decimal(1).scaleb(-int(digits))
    shown = Decimal(f"{number(value):.15g}")
    return float(shown.quantize(place, ROUND_HALF_UP))


def sum_if(keys: Area, key: Any, values: Area) -> float:
    return math.fsum(number(v) for k, v in zip(keys.flat, values.flat, strict=True) if k == key)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "SUM": lambda *a: math.fsum(numbers(a)),
    "PRODUCT": lambda *a: math.prod(numbers(a)),
    "MIN": lambda *a: min(numbers(a)),
    "MAX": lambda *a: max(numbers(a)),
    "COUNT": lambda *a: len(numbers(a)),
    "AVERAGE": lambda *a: math.fsum(numbers(a)) / len(numbers(a)),
    "ROUND": round_half_up,
    "ABS": lambda x: (
        Area([[abs(number(v)) for v in row] for row in x]) if isinstance(x, Area) else abs(number(x))
    ),
    "SUMPRODUCT": lambda x: math.fsum(number(v) for v in x.flat),
    "SUMIF": sum_if,
    "COUNTIF": lambda area, key: sum(value == key for value in area.flat),
    "AND": lambda *a: all(a),
    "ISNUMBER": lambda x: isinstance(x, int | float) and not isinstance(x, bool),
    "MINVERSE": lambda x: Area(np.linalg.inv(np.array(x, dtype=float)).tolist()),
    "MMULT": lambda x, y: Area((np.array(x, dtype=float) @ np.array(y, dtype=float)).tolist()),
}
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    ">": lambda a, b: number(a) > number(b),
    "<": lambda a, b: number(a) < number(b),
    ">=": lambda a, b: number(a) >= number(b),
    "<=": lambda a, b: number(a) <= number(b),
}


class Spreadsheet:
    """A workbook that is worked out anew after every change of an input."""

    def __init__(self, content: bytes) -> None:
        self.book = openpyxl.load_workbook(io.BytesIO(content))
        self.shown = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
        self._found: dict[tuple[str, str], Any] = {}

    def named(self, name: str) -> Any:
        """The value of a named cell, worked out."""
        sheet, _, cell = self.book.defined_names[name].value.partition("!")
        return self.value(sheet, cell.replace("$", ""))

    def value(self, sheet: str, cell: str) -> Any:
        """The value of a cell, worked out."""
        key = sheet, cell
        if key not in self._found:
            held = self.book[sheet][cell]
            is_formula = held.data_type == "f"
            self._found[key] = Formula(self, held.value[1:]).result() if is_formula else held.value
        return self._found[key]

    def change(self, sheet: str, cell: str, value: float) -> None:
        """Write over an input."""
        assert self.book[sheet][cell].data_type == "n"
        self.book[sheet][cell].value = value
        self._found.clear()

    def formulas(self) -> list[tuple[str, str]]:
        """Every cell that holds a formula."""
        return [
            (sheet.title, cell.coordinate)
            for sheet in self.book
            for row in sheet.iter_rows()
            for cell in row
            if cell.data_type == "f"
        ]

    def refer(self, text: str) -> Any:
        sheet, _, place = text.replace("$", "").partition("!")
        if ":" not in place:
            return self.value(sheet, place)
        left, top, right, bottom = range_boundaries(place)
        cells = self.book[sheet].iter_rows(top, bottom, left, right)
        return Area([[self.value(sheet, cell.coordinate) for cell in row] for row in cells])


class Formula:
    """One formula, by recursive descent: comparison, sum, product, sign, operand."""

    def __init__(self, sheets: Spreadsheet, text: str) -> None:
        self.sheets, self.text, self.at, self.tokens = sheets, text, 0, []
        at = 0
        while at < len(text):
            found = TOKENS.match(text, at)
            if found is None:
                raise ValueError(f"unknown at {text[at : at + 20]!r} in {text!r}")
            kind = str(found.lastgroup)
            self.tokens.append((kind, found[kind]))
            at = found.end()

    def result(self) -> Any:
        value = self._compared()
        if self.at != len(self.tokens):
            raise ValueError(f"left over in {self.text!r}: {self.tokens[self.at :]}")
        return value

    def _next(self, *allowed: str) -> str | None:
        if self.at < len(self.tokens):
            kind, text = self.tokens[self.at]
            if kind == "op" and text in allowed:
                self.at += 1
                return str(text)
        return None

    def _compared(self) -> Any:
        value = self._sum()
        while op := self._next(*COMPARE):
            value = COMPARE[op](value, self._sum())
        return value

    def _sum(self) -> Any:
        value = self._product()
        while op := self._next("+", "-"):
            other = number(self._product())
            value = number(value) + (other if op == "+" else -other)
        return value

    def _product(self) -> Any:
        value = self._signed()
        while op := self._next("*", "/"):
            other = number(self._signed())
            value = number(value) * other if op == "*" else number(value) / other
        return value

    def _signed(self) -> Any:
        return -number(self._signed()) if self._next("-") else self._operand()

    def _operand(self) -> Any:
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return float(text)
        if kind == "text":
            return text
        if kind == "ref":
            return self.sheets.refer(text)
        if kind == "name":
            return self._choice() if text == "IF" else FUNCTIONS[text](*self._arguments())
        if text == "(":
            value = self._compared()
            assert self._next(")")
            return value
        raise ValueError(f"{text!r} is out of place in {self.text!r}")

    def _arguments(self) -> list[Any]:
        values = [self._compared()]
        while self._next(","):
            values.append(self._compared())
        assert self._next(")"), self.text
        return values

    def _choice(self) -> Any:
        """IF works out the side it takes alone."""
        test = self._compared()
        assert self._next(",")
        first = self._side(bool(test))
        assert self._next(",")
        second = self._side(not test)
        assert self._next(")"), self.text
        return first if test else second

    def _side(self, taken: bool) -> Any:
        if taken:
            return self._compared()
        depth = 0
        while True:
            kind, text = self.tokens[self.at]
            if depth == 0 and kind == "op" and text in ",)":
                return None
            depth += (kind == "name" or text == "(") and kind != "text"
            depth -= kind == "op" and text == ")"
            self.at += 1
