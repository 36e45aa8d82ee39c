"""Numbers as text writes them, taken apart exactly: digits, decimals, and which sign sets them apart."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from arrisk.errors import AmbiguityError, LedgerError
from arrisk.ledger.values.cells import examples, is_missing, plain_text

__all__ = ["ExactNumbers", "check_signs", "read_exact"]

_LARGEST = 10**18
_LONGEST = 60  # no number of a ledger has more characters; longer ones would cost memory to expand
_FLOAT_DIGITS = 6  # decimals of a floating amount that are taken as meant; what is smaller is rounding noise
_ISO_CODES = (
    "AED|ARS|AUD|BDT|BGN|BHD|BRL|CAD|CHF|CLP|CNH|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|JOD|JPY|KES|KRW|"
    "KWD|KZT|LKR|MAD|MXN|MYR|NGN|NOK|NZD|OMR|PEN|PHP|PKR|PLN|QAR|RMB|RON|RUB|SAR|SEK|SGD|THB|TND|TRY|TWD|UAH|USD|"
    "VND|XAF|XOF|ZAR"
)
_UNIT = rf"(?:(?:US|HK|NT|[ACRS])?\$|[€£¥₩₹₽₺฿₴₪₫₦₱]|{_ISO_CODES}|kr\.?|zł|Kč|Ft|元|圆|人民币|円)"
_UNIT_BEFORE = re.compile(rf"^([-+(\s]*){_UNIT}(?=[-+(\s\d.,])")
_UNIT_AFTER = re.compile(rf"(?<=[\d.,)\s+-])\s*{_UNIT}([-+)\s]*)$")
_QUICK = {  # forms of most cells, read together: decimal sign it needs, pattern, thousands to leave out
    "": (r"^-?[0-9]{1,12}$", ""),
    ".": (r"^-?(?:[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})\.[0-9]{1,2}$", ","),
    ",": (r"^-?(?:[0-9]{1,12}|[0-9]{1,3}(?:\.[0-9]{3}){1,3}),[0-9]{1,2}$", "."),
}
_BODY = re.compile(r"[\d.,' ’]*\d[\d.,' ’]*")
_SCIENTIFIC = re.compile(r"[-+]?\d+(?:[.,]\d+)?[eE][-+]?\d+")


@dataclass(frozen=True, slots=True)
class _Text:
    """Text of a number without its sign and currency: digits and separators, or why it is not one."""

    body: str
    negative: bool
    raw: str
    detail: str | None = None


_Exact = tuple[int, int]  # mantissa and decimals: (12345, 2) is 123.45


@dataclass(frozen=True, slots=True)
class ExactNumbers:
    """Distinct numbers as mantissa and decimals (12345 and 2 is 123.45), and as floats.

    Attributes
    ----------
    mantissa, decimals : array of int64
        Zero where the number is missing, bad, or too long for 18 digits (`known` is then False).
    value : array of float64
        The same as floats, NaN where missing or bad.
    known : array of bool
        Numbers that `mantissa` and `decimals` say exactly.
    details : list of str or None
        Why a cell is not a number.
    """

    mantissa: npt.NDArray[np.int64]
    decimals: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    known: npt.NDArray[np.bool_]
    details: list[str | None]

    @classmethod
    def empty(cls, size: int) -> ExactNumbers:
        """Room for so many numbers, all missing."""
        none = np.full(size, np.nan)
        return cls(
            np.zeros(size, np.int64), np.zeros(size, np.int64), none, np.zeros(size, bool), [None] * size
        )

    def put(self, place: int, exact: _Exact | None, detail: str | None) -> None:
        """Set one number, or why it is none."""
        self.details[place] = detail
        if exact is None:
            return
        mantissa, decimals = exact
        self.value[place] = mantissa / 10**decimals
        while decimals > 18 and mantissa % 10 == 0:
            mantissa, decimals = mantissa // 10, decimals - 1
        if abs(mantissa) <= _LARGEST and decimals <= 18:
            self.put_all(np.array([place]), np.array([mantissa], dtype=np.int64), decimals)

    def put_all(self, places: npt.NDArray[np.intp], mantissa: npt.NDArray[np.int64], decimals: int) -> None:
        """Set numbers that share their decimals."""
        self.mantissa[places], self.decimals[places], self.known[places] = mantissa, decimals, True
        self.value[places] = mantissa / 10.0**decimals


def check_signs(column: str, decimal: str | None, thousands: str | None) -> None:
    """Raise LedgerError when a given decimal sign or thousands sign cannot be one."""
    if decimal not in (None, ".", ","):
        raise LedgerError(f"column {column!r}: decimal {decimal!r} is not allowed; it is '.' or ','")
    if thousands not in (None, "", ".", ",", " ", "'") or (thousands and thousands == decimal):
        raise LedgerError(
            f"column {column!r}: thousands {thousands!r} is not allowed; it is ',', '.', ' ', \"'\" or '' "
            "for none, and not the decimal sign"
        )


def read_exact(
    unique: list[Any], column: str, decimal: str | None, thousands: str | None, *, numbers: bool
) -> ExactNumbers:
    """Read distinct cells exactly: common forms together, the others one by one once the signs are known.

    Parameters
    ----------
    unique : list
        Distinct cells of any type.
    column : str
        Name of the column, for messages.
    decimal, thousands : str or None
        The signs, when they are given.
    numbers : bool
        Read numbers (percent, scientific notation) instead of amounts (currency signs).

    Raises
    ------
    AmbiguityError
        When the decimal sign is not given and the cells do not tell it, or need both.

    Examples
    --------
    >>> read = read_exact(["1.234,5", "1.000", 7], "amount", None, None, numbers=False)
    >>> read.value.tolist()
    [1234.5, 1000.0, 7.0]
    """
    out = ExactNumbers.empty(len(unique))
    kinds = np.array([_kind(cell) for cell in unique], dtype="U1")
    _put_native(out, unique, kinds, numbers)
    quick = _quick_masks(unique, kinds)
    waiting: dict[int, _Text] = {}
    for place in np.flatnonzero((kinds == "t") & ~quick[""] & ~quick["."] & ~quick[","]).tolist():
        text = _text(unique[place], numbers)
        out.details[place] = text.detail
        if text.body:
            waiting[place] = text
    seen = {sign: [unique[place] for place in np.flatnonzero(quick[sign])[:4].tolist()] for sign in ".,"}
    sign = decimal or _decimal_sign(waiting.values(), seen, column, thousands, numbers)
    for needed, mask in quick.items():
        if needed == "" or (needed == sign and thousands in (None, _QUICK[needed][1])):
            _put_quick(out, unique, np.flatnonzero(mask), needed)
        else:
            waiting |= {place: _text(unique[place], numbers) for place in np.flatnonzero(mask).tolist()}
    for place, text in waiting.items():
        out.put(place, *_split(text, sign, thousands, numbers))
    return out


def _kind(cell: Any) -> str:
    """Tell text (t), a floating number (f), a whole one (i) and all else (o) apart."""
    exact_type = type(cell)
    whole = exact_type is int and -_LARGEST < cell < _LARGEST
    return "t" if exact_type is str else "f" if exact_type is float else "i" if whole else "o"


def _put_native(out: ExactNumbers, unique: Sequence[Any], kinds: npt.NDArray[np.str_], numbers: bool) -> None:
    """Read cells that are numbers already; floats of up to 15 digits and six decimals all at once."""
    rest = kinds == "o"
    for kind, decimals, largest in (("f", _FLOAT_DIGITS, 9e9), ("i", 0, 9e15)):
        places = np.flatnonzero(kinds == kind)
        cells = np.array([float(unique[place]) for place in places.tolist()])
        small = np.abs(cells) < largest
        mantissa = np.rint(cells[small] * 10.0**decimals).astype(np.int64)
        out.put_all(places[small], mantissa, decimals)
        if numbers:
            out.value[places[small]] = cells[small]
        rest[places[~small]] = True
    for place in np.flatnonzero(rest).tolist():
        out.put(place, *_native(unique[place]))


def _quick_masks(unique: Sequence[Any], kinds: npt.NDArray[np.str_]) -> dict[str, npt.NDArray[np.bool_]]:
    texts = pa.array(
        [cell if kind == "t" else None for cell, kind in zip(unique, kinds, strict=True)], pa.string()
    )
    masks = {}
    for sign, (pattern, _) in _QUICK.items():
        found = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
        masks[sign] = found.to_numpy(zero_copy_only=False)
    return masks


def _put_quick(out: ExactNumbers, unique: Sequence[Any], places: npt.NDArray[np.intp], sign: str) -> None:
    """Read cells of a common form; with at most 14 digits a float holds them exactly enough to round."""
    texts = pa.array([unique[place] for place in places.tolist()], pa.string())
    if sign:
        texts = pc.replace_substring(texts, _QUICK[sign][1], "")
    if sign == ",":
        texts = pc.replace_substring(texts, ",", ".")
    values = pc.cast(texts, pa.float64()).to_numpy(zero_copy_only=False)
    decimals = 2 if sign else 0
    out.put_all(places, np.rint(values * 10**decimals).astype(np.int64), decimals)


def _native(cell: Any) -> tuple[_Exact | None, str | None]:
    """Read a cell that is already a number."""
    if isinstance(cell, bool) or not isinstance(cell, (int, float, Decimal, np.number)):
        return None, f"not an amount: {str(cell)[:40]!r}"
    if isinstance(cell, np.float32 | np.float16):
        cell = float(str(cell))  # a short float says what it prints, not its binary expansion
    if isinstance(cell, float):
        if not math.isfinite(cell):
            return (None, None) if math.isnan(cell) else (None, f"not an amount: {str(cell)!r}")
        cell = Decimal(f"{round(cell, _FLOAT_DIGITS):.15g}")
    if isinstance(cell, Decimal):
        return _from_decimal(cell)
    if abs(int(cell)) > 10**_LONGEST:
        return None, f"too many digits: {str(cell)[:40]!r}"
    return (int(cell), 0), None


def _from_decimal(cell: Decimal) -> tuple[_Exact | None, str | None]:
    if cell.is_nan():
        return None, None
    sign, figures, exponent = cell.as_tuple()
    if not isinstance(exponent, int):
        return None, f"not an amount: {str(cell)!r}"
    if abs(exponent) > _LONGEST or len(figures) > _LONGEST:
        return None, f"too many digits: {str(cell)[:40]!r}"
    mantissa = int("".join(map(str, figures))) * (-1 if sign else 1)
    return (mantissa * 10**exponent, 0) if exponent > 0 else (mantissa, -exponent), None


def _text(raw: str, numbers: bool) -> _Text:
    """Take sign, brackets and currency off the text of a number."""
    text = plain_text(raw)
    if is_missing(text):
        return _Text("", False, raw)
    if _SCIENTIFIC.fullmatch(text):
        if numbers:
            return _Text(text, False, raw)
        return _Text("", False, raw, f"in scientific notation, digits may be lost: {raw[:40]!r}")
    if not numbers:
        text = _UNIT_AFTER.sub(r"\1", _UNIT_BEFORE.sub(r"\1", text)).strip()
    percent = numbers and text.endswith("%")
    body, negative = _sign(text.removesuffix("%").strip() if percent else text)
    if body is None or not _BODY.fullmatch(body):
        return _Text("", False, raw, f"not {'a number' if numbers else 'an amount'}: {raw[:40]!r}")
    if len(body) > _LONGEST:
        return _Text("", False, raw, f"too many digits: {raw[:40]!r}")
    return _Text(body.replace("’", "'") + ("%" if percent else ""), negative, raw)


def _sign(text: str) -> tuple[str | None, bool]:
    if text.startswith("(") and text.endswith(")"):
        return text[1:-1].strip(), True
    if text[:1] in ("-", "+"):
        return text[1:].strip(), text[0] == "-"
    if text[-1:] in ("-", "+"):
        return text[:-1].strip(), text[-1] == "-"
    return text, False


def _decimal_sign(
    texts: Iterable[_Text],
    seen: dict[str, list[str]],
    column: str,
    thousands: str | None,
    numbers: bool,
) -> str:
    """Tell the decimal sign from the column; raise when the values do not tell, or tell both."""
    if thousands in (".", ","):
        return "," if thousands == "." else "."
    points, commas, either = seen["."], seen[","], list[str]()
    for text in texts:
        shown = _evidence(text.body)
        if thousands and shown.startswith("?"):
            shown = shown[1:]
        {".": points, ",": commas}.get(shown, either if shown else []).append(text.raw)
    if points and commas:
        raise AmbiguityError(
            f"column {column!r} needs both decimal signs: {examples(points)} a point, {examples(commas)} a "
            "comma; say decimal = '.' or decimal = ',' (cells that do not fit are then set apart)"
        )
    if either and not points and not commas and not (numbers and all("," not in raw for raw in either)):
        raise AmbiguityError(
            f"column {column!r}: {examples(either)} can be read with a decimal sign or with thousands set "
            "apart, and no other amount settles it; say decimal = '.' or decimal = ','"
        )
    return "," if commas else "."


def _evidence(body: str) -> str:
    """Which decimal sign a number needs: '.' or ',', '' when it shows none, '?.' or '?,' for maybe."""
    shown = _marks(body.removesuffix("%"))
    fits = not shown or _shape(shown[-1], None).fullmatch(body.removesuffix("%"))
    return shown if fits else ""


def _marks(body: str) -> str:
    point, comma = body.count("."), body.count(",")
    if point and comma:
        last = max(".,", key=body.rfind)
        return last if body.count(last) == 1 else ""
    if not point and not comma:
        return ""
    sign = "." if point else ","
    if point + comma > 1:
        return "," if point else "."
    head, tail = body.split(sign)
    if " " in head or "'" in head:
        return sign
    grouped = len(tail) == 3 and 1 <= len(head) <= 3 and not head.startswith("0")
    return "?" + sign if grouped else sign


def _split(text: _Text, sign: str, thousands: str | None, numbers: bool) -> tuple[_Exact | None, str | None]:
    """Read digits and separators, the decimal sign being known; thousands must stand where they belong."""
    what = "a number" if numbers else "an amount"
    if numbers and _SCIENTIFIC.fullmatch(text.body):
        return _native(Decimal(text.body.replace(",", ".")))
    match = _shape(sign, thousands).fullmatch(text.body.removesuffix("%"))
    if match is None:
        return None, f"not {what} with decimal {sign!r}: {text.raw[:40]!r}"
    whole, part = re.sub(r"\D", "", match[1] or ""), (match[2] or "").rstrip("0")
    mantissa = int(whole + part or "0")
    return (-mantissa if text.negative else mantissa, len(part) + 2 * text.body.endswith("%")), None


_SHAPES: dict[tuple[str, str | None], re.Pattern[str]] = {}


def _shape(sign: str, thousands: str | None) -> re.Pattern[str]:
    """Pattern of a number with a decimal sign and thousands (also in the Indian way, 12,34,567)."""
    if (sign, thousands) not in _SHAPES:
        marks = {"": [], None: ["," if sign == "." else ".", " ", "'"]}.get(thousands, [thousands])
        grouped = [rf"\d{{1,3}}(?:{re.escape(str(mark))}\d{{3}})+" for mark in marks]
        if sign == "." and thousands in (None, ","):
            grouped.append(r"\d{1,2}(?:,\d{2})+,\d{3}")
        whole = "|".join([r"\d*", *grouped])
        _SHAPES[sign, thousands] = re.compile(rf"({whole})(?:{re.escape(sign)}(\d*))?")
    return _SHAPES[sign, thousands]
