"""Text files of rows and cells: their encoding, their delimiter, and every row with its line."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv

from arrisk.errors import LedgerError
from arrisk.ledger.sources.frames import arrow_frame, find_header, header_names, with_lines

__all__ = ["decode", "read_delimited", "sniff_delimiter"]

_DELIMITERS = ("\t", ";", "|", ",")
_SAMPLE = 60  # rows looked at to find delimiter and header
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = {
    b"PK\x03\x04": "a zip or Excel file",
    b"\xd0\xcf\x11\xe0": "an old or password-protected Office file",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF file",
    b"\x1f\x8b": "a gzip file",
    b"{\\rtf": "an RTF file",
    b"SQLite": "an SQLite file",
}

_NOT_ASCII = re.compile("[^\x00-\x7f]")
_BEYOND_TWO_BYTES = re.compile("[\u0800-\U0010ffff]")  # in UTF-8

Row = tuple[int, list[str], str | None]  # line, cells, what is wrong with it


def read_delimited(path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> pd.DataFrame:
    """Read a text file into cells as they are written; empty cells are None, blank lines are no rows.

    A row that does not have as many cells as the header is kept, with `_reason` and `_detail` set: one that
    is short keeps its cells, one that is long has none, for they stand under the wrong headers.

    Parameters
    ----------
    path : Path
        The file.
    encoding : str, optional
        UTF-8 and UTF-16 (with their marks) and GB18030 are found without it.
    delimiter : str, optional
        Comma, semicolon, tab and bar are found without it.

    Returns
    -------
    DataFrame
        With `_source` (the file name) and `_line` (where the row begins in the file, from 1);
        `attrs["preamble"]` holds the lines above the header.

    Raises
    ------
    LedgerError
        If the file is empty, is not text, or a quote in it never closes.
    """
    data = path.read_bytes()
    text = decode(data, path.name, encoding)
    if not text.strip():
        raise LedgerError(f"{path.name} is empty; a header row and rows of cells are needed")
    if delimiter is not None and len(delimiter) != 1:
        raise LedgerError(f"{path.name}: delimiter {delimiter!r} is not one character")
    delimiter = delimiter or sniff_delimiter(text) or ("\t" if path.suffix.lower() == ".tsv" else ",")
    sample = list(islice(_rows(text, delimiter, path.name), _SAMPLE))
    place = find_header([cells for _, cells, _ in sample])
    line, header, _ = sample[place]
    while len(header) > 1 and not header[-1].strip():
        header = header[:-1]
    names = header_names(header)
    frame = _read_plain(text, line, names, delimiter, path.name)
    if frame is None:
        frame = _read_rows(text, place, names, delimiter, path.name)
    frame.attrs["kind"] = "text"
    frame.attrs["preamble"] = tuple(" ".join(filter(None, cells)) for _, cells, _ in sample[:place])
    return frame


def decode(data: bytes, name: str, encoding: str | None = None) -> str:
    """Decode a text file; without an encoding UTF-8 is tried first, then GB18030, and both must fit.

    Raises
    ------
    LedgerError
        If the bytes are not text, or neither encoding fits; the message shows where.

    Examples
    --------
    >>> decode("发票号".encode("gbk"), "a.csv"), decode("发票号".encode("utf-8-sig"), "a.csv")
    ('发票号', '发票号')
    """
    kind = next((words for magic, words in _MAGIC.items() if data.startswith(magic)), None)
    if kind is not None:
        raise LedgerError(f"{name} is {kind}, not a text file of rows")
    if encoding is not None:
        return _decode_as(data, name, encoding)
    for mark, marked in _BOMS:
        if data.startswith(mark):
            return _decode_as(data, name, marked)
    if b"\0" in data:
        raise LedgerError(
            f"{name} is binary, not a text file of rows (or say its encoding, such as 'utf-16-le')"
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _decode_chinese(data, name, error)
    if text.isascii() or _BEYOND_TWO_BYTES.search(text):
        return text
    wide = _NOT_ASCII.findall(text)
    odd = sum(not _likely(char) for char in wide) > len(wide) / 2
    return (_gb2312(data) if odd else None) or text  # some Chinese words alone can look like rare Cyrillic


def _decode_as(data: bytes, name: str, encoding: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        raise LedgerError(
            f"{name}: unknown encoding {encoding!r}; 'utf-8', 'gb18030' or 'cp1252', say"
        ) from None
    except UnicodeDecodeError as error:
        raise LedgerError(f"{name} is not {encoding}: {_where(data, error)}") from None


def _where(data: bytes, error: UnicodeDecodeError) -> str:
    line = data.count(b"\n", 0, error.start) + 1
    return f"byte 0x{data[error.start]:02X} on line {line}"


def _decode_chinese(data: bytes, name: str, error: UnicodeDecodeError) -> str:
    """Decode as GB18030 only if it looks like Chinese, for almost any bytes can be read so."""
    loose = data.decode("utf-8", errors="surrogateescape")
    broken = sum("\udc80" <= char <= "\udcff" for char in loose)
    if sum(char > "\x7f" and _likely(char) for char in loose) > broken:
        raise LedgerError(f"{name} is UTF-8 but for {broken} broken bytes, the first {_where(data, error)}")
    text = _gb2312(data)
    if text is None:
        raise LedgerError(
            f"{name} is neither UTF-8 nor Chinese GB18030 ({_where(data, error)}); "
            "say its encoding: 'cp1252' for most Western European files"
        )
    return text


def _gb2312(data: bytes) -> str | None:
    """Decode as GB18030 when most wide characters are of GB2312, which nearly all Chinese text keeps to."""
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return None
    wide = [char for char in text if char > "\x7f"]
    return text if sum(_common(char) for char in wide) >= max(1, 0.8 * len(wide)) else None


def _likely(char: str) -> bool:
    """Tell whether UTF-8 text is likely to hold a character: letters of main alphabets, all beyond them."""
    plain = "\xa0" <= char <= "\u017f" or "\u0386" <= char <= "\u03ce" or "\u0401" <= char <= "\u0451"
    return plain or "\u05d0" <= char <= "\u06d2" or (char >= "\u0800" and not "\ud800" <= char <= "\udfff")


def _common(char: str) -> bool:
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def sniff_delimiter(text: str) -> str | None:
    """Find the delimiter that cuts the first rows into equally many cells; None when there is one column.

    Examples
    --------
    >>> sniff_delimiter("a;b;c\\n1,5;2;3\\n")
    ';'
    """
    lines = list(islice(io.StringIO(text, newline=""), 2 * _SAMPLE))
    best, best_score = None, (0.0, 1)
    for delimiter in _DELIMITERS:
        try:
            rows = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            continue
        widths = Counter(width for width in rows if width > 1)
        if widths:
            width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0]))
            score = (round(count / len(rows), 2), width)
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _rows(text: str, delimiter: str, name: str) -> Iterator[Row]:
    """Every row that is not blank, with the line on which it begins."""
    spaced = f'{delimiter} "' in text[:100_000]  # a quote after a blank opens a cell too
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=spaced)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "end of data" in str(error) or "field larger" in str(error):
                raise LedgerError(f"{name}: the quote that opens on line {line} never closes") from None
            until = f" to {reader.line_num}" if reader.line_num > line else ""
            yield line, [], f"line {line}{until} cannot be cut into cells: {error}"
            continue
        if any(cells):
            yield line, cells, None


def _read_plain(text: str, line: int, names: list[str], delimiter: str, name: str) -> pd.DataFrame | None:
    """Read quickly a file whose every line is a row of the right width; None when it is not so."""
    if len(names) == 1 or '"' in text or "\r" in text.replace("\r\n", ""):
        return None
    body = text.split("\n", line)[-1].rstrip("\r\n") if text.count("\n") >= line else ""
    if not body or body.startswith(("\n", "\r")):
        return None
    columns = [f"c{place}" for place in range(len(names))]
    try:
        table = pa_csv.read_csv(
            io.BytesIO(body.encode("utf-8")),
            read_options=pa_csv.ReadOptions(column_names=columns),
            parse_options=pa_csv.ParseOptions(
                delimiter=delimiter, quote_char=False, ignore_empty_lines=False
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid:
        return None
    frame = with_lines(
        arrow_frame(table).set_axis(names, axis=1), name, range(line + 1, line + 1 + len(table))
    )
    blank = frame[names].isna().all(axis=1)
    return frame[~blank].reset_index(drop=True) if blank.any() else frame


def _read_rows(text: str, header: int, names: list[str], delimiter: str, name: str) -> pd.DataFrame:
    rows, lines, details = [], [], []
    for line, cells, detail in islice(_rows(text, delimiter, name), header + 1, None):
        while len(cells) > len(names) and not cells[-1].strip():
            cells = cells[:-1]
        if detail is None and len(cells) != len(names):
            detail = f"{len(cells)} cells under {len(names)} headers: {delimiter.join(cells)[:200]!r}"
        kept = cells if len(cells) <= len(names) else []
        rows.append([cell or None for cell in kept] + [None] * (len(names) - len(kept)))
        lines.append(line)
        details.append(detail)
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    data: dict[str, Any] = {
        column: pd.Series(list(cells), dtype=object) for column, cells in zip(names, columns, strict=True)
    }
    frame = with_lines(pd.DataFrame(data, columns=names), name, lines)
    if any(details):
        reasons = ["ragged_row" if detail else None for detail in details]
        frame["_reason"] = pd.Series(reasons, dtype=object)
        frame["_detail"] = pd.Series(details, dtype=object)
    return frame
