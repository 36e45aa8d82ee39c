"""Sources of a ledger: files, folders, frames and databases, read into raw frames that know their lines."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from arrisk.errors import LedgerError
from arrisk.ledger.sources.databases import is_duckdb, is_postgres, name_fits, read_duckdb, read_postgres
from arrisk.ledger.sources.delimited import read_delimited
from arrisk.ledger.sources.frames import arrow_frame, header_names, with_lines
from arrisk.ledger.sources.workbooks import read_workbook

__all__ = ["read_source"]

_TEXT = (".csv", ".tsv", ".txt")
_BOOKS = (".xlsx", ".xlsm")
_PARQUET = (".parquet", ".pq")
_READABLE = (*_TEXT, *_BOOKS, *_PARQUET)
_UNREADABLE = (".xls", ".xlsb", ".ods", ".numbers", ".gz", ".zip")
_ALLOWED = (
    "a CSV, Excel (.xlsx) or Parquet file, a folder or list of them, a pandas, polars or Arrow frame, a "
    "mapping of names to frames, a DuckDB or PostgreSQL connection, or a postgresql:// address"
)


@dataclass(frozen=True, slots=True)
class _Options:
    encoding: str | None
    delimiter: str | None
    sheet: str | int | None


def read_source(
    source: Any,
    *,
    patterns: Sequence[str] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | int | None = None,
) -> dict[str, pd.DataFrame]:
    """Read a source into raw frames, cells as they are written; what they mean is for a column map to say.

    Parameters
    ----------
    source : path, list of paths, frame, mapping of str to frame or path, or connection
        CSV, TSV, text, Excel or Parquet files, or a folder of them (a sub-folder of Parquet parts is one
        table); pandas, polars or Arrow frames; a DuckDB or psycopg connection, or a postgresql:// address.
    patterns : sequence of str, optional
        Names of the tables wanted, with * and ?, in any case; for sources that hold several.
    encoding, delimiter : str, optional
        Of text files; found when not given.
    sheet : str or int, optional
        The one sheet of a workbook that is wanted, by name or place.

    Returns
    -------
    dict of str to DataFrame
        Raw frames by name: that of the file without its ending, "book/sheet", or that of the table. Cells of
        text files are str or None; others keep the types of the source. Every frame has `_source` and `_line`
        (the line in a text file, also where cells run over several lines; Excel's row number; else row number
        + 1). Where rows cannot be cut into cells, there are `_reason` and `_detail`, set for those rows.

    Raises
    ------
    LedgerError
        If the source is missing, empty, damaged or of no kind that is read; the message says what is.

    Examples
    --------
    >>> import pandas as pd
    >>> raw = read_source({"invoices": pd.DataFrame({"Invoice": ["A-1", "A-2"]})})
    >>> raw["invoices"][["_source", "_line"]].values.tolist()
    [['invoices', 2], ['invoices', 3]]
    """
    options = _Options(encoding, delimiter, sheet)
    if is_duckdb(source):
        return read_duckdb(source, patterns)
    if is_postgres(source):
        return read_postgres(source, patterns)
    if isinstance(source, str | Path):
        return _read_path(source, patterns, options)
    frame = _as_frame(source, "frame")
    if frame is not None:
        return {"frame": frame}
    if isinstance(source, Mapping):
        return _wanted(_read_mapping(source, options), patterns, "the mapping")
    if isinstance(source, Iterable) and not isinstance(source, bytes):
        return _wanted(_read_list(list(source), options), patterns, "the list")
    raise LedgerError(f"cannot read a ledger from {_kind(source)}; allowed: {_ALLOWED}")


def _kind(source: object) -> str:
    kind = type(source)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    hint = "; pass engine.raw_connection().driver_connection" if name.startswith("sqlalchemy.") else ""
    return f"a {name}{hint}"


def _read_path(
    source: str | Path, patterns: Sequence[str] | None, options: _Options
) -> dict[str, pd.DataFrame]:
    path = Path(source).expanduser()
    try:
        if path.is_dir():
            return _read_folder(path, patterns, options)
        if not path.exists() and glob.has_magic(str(source)):
            found = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]
            if not found:
                raise LedgerError(f"no file matches {str(source)!r}")
            return _read_files(found, options)
        return _read_files([path], options)
    except OSError as error:
        raise LedgerError(f"cannot read {str(source)[:100]}: {error.strerror or error}") from None


def _read_list(sources: list[Any], options: _Options) -> dict[str, pd.DataFrame]:
    if not sources:
        raise LedgerError(f"the list of sources is empty; allowed: {_ALLOWED}")
    others = [item for item in sources if not isinstance(item, str | Path)]
    if others:
        raise LedgerError(f"a list may hold paths only, not {_kind(others[0])}; name frames in a mapping")
    try:
        return _read_files([Path(item).expanduser() for item in sources], options)
    except OSError as error:
        raise LedgerError(f"cannot read {error.filename}: {error.strerror or error}") from None


def _read_mapping(source: Mapping[Any, Any], options: _Options) -> dict[str, pd.DataFrame]:
    if not source:
        raise LedgerError(f"the mapping of sources is empty; allowed: {_ALLOWED}")
    out: dict[str, pd.DataFrame] = {}
    for name, item in source.items():
        if isinstance(item, str | Path):
            tables = _read_path(item, None, options)
            out |= {
                str(name) if len(tables) == 1 else f"{name}/{key}": frame for key, frame in tables.items()
            }
            continue
        frame = _as_frame(item, str(name))
        if frame is None:
            raise LedgerError(f"{name!r} is {_kind(item)}, not a frame or a path")
        out[str(name)] = frame
    return out


def _as_frame(source: Any, name: str) -> pd.DataFrame | None:
    """Turn a frame of any library into a new pandas frame; None when it is no frame."""
    if isinstance(source, pd.DataFrame):
        kept = [level for level in source.index.names if level is not None and level not in source.columns]
        frame = source.reset_index(level=kept) if kept else source
        frame = frame.reset_index(drop=True)
        labels = [" ".join(map(str, c)) if isinstance(c, tuple) else c for c in frame.columns]
        return with_lines(frame.set_axis(header_names(labels), axis=1), name)
    if isinstance(source, Mapping):
        return None
    if hasattr(source, "collect") and type(source).__module__.startswith("polars"):
        source = source.collect()
    if isinstance(source, pa.RecordBatchReader):
        source = source.read_all()
    if type(source).__module__.startswith("pyarrow._dataset"):
        source = source.to_table()
    if hasattr(source, "__arrow_c_stream__") or isinstance(source, pa.Table | pa.RecordBatch):
        table = pa.Table.from_batches([source]) if isinstance(source, pa.RecordBatch) else pa.table(source)
        return with_lines(arrow_frame(table), name)
    return None


def _read_folder(folder: Path, patterns: Sequence[str] | None, options: _Options) -> dict[str, pd.DataFrame]:
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "~$")))
    closed = [entry.name for entry in entries if entry.suffix.lower() in _UNREADABLE]
    if closed:
        raise LedgerError(
            f"{folder.name}: cannot read {', '.join(closed[:5])}; save as CSV, .xlsx or Parquet"
        )
    files = [entry for entry in entries if entry.is_file() and entry.suffix.lower() in _READABLE]
    parts = [entry for entry in entries if entry.is_dir() and any(entry.rglob("*.parquet"))]
    if not files and not parts:
        seen = ", ".join(entry.name for entry in entries[:8]) or "nothing"
        raise LedgerError(f"no table in folder {folder}: found {seen}; allowed: {', '.join(_READABLE)} files")
    names = [entry.name for entry in (*files, *parts)]
    files = [file for file in files if file.suffix.lower() in _BOOKS or _file_fits(file, patterns)]
    tables = _read_files(files, options, lenient=True)
    tables |= {part.name: _read_parts(part) for part in parts if _file_fits(part, patterns)}
    return _wanted(tables, patterns, f"folder {folder.name}", names)


def _file_fits(file: Path, patterns: Sequence[str] | None) -> bool:
    return name_fits(file.stem, patterns) or name_fits(file.name, patterns)


def _read_parts(folder: Path) -> pd.DataFrame:
    parts = [_read_parquet(path, f"{folder.name}/{path.name}") for path in sorted(folder.rglob("*.parquet"))]
    return pd.concat(parts, ignore_index=True)


def _read_files(
    paths: Sequence[Path], options: _Options, *, lenient: bool = False
) -> dict[str, pd.DataFrame]:
    """Read files; a name that occurs twice is told apart by the file it is in."""
    read: list[tuple[str, Path, pd.DataFrame]] = []
    for path in paths:
        if path.is_dir():
            read += [(name, path, frame) for name, frame in _read_folder(path, None, options).items()]
            continue
        tables = _read_file(path, options)
        if lenient and path.suffix.lower() == ".txt" and all(len(f.columns) < 4 for f in tables.values()):
            continue  # a note beside the tables: one column, and its source and line
        read += [(name, path, frame) for name, frame in tables.items()]
    counts = Counter(name for name, _, _ in read)
    out: dict[str, pd.DataFrame] = {}
    for name, path, frame in read:
        key = name if counts[name] == 1 else name.replace(path.stem, path.name, 1)
        out[key if key not in out else f"{path.parent.name}/{key}"] = frame
    return out


def _read_file(path: Path, options: _Options) -> dict[str, pd.DataFrame]:
    suffix = path.suffix.lower()
    if not path.exists():
        raise LedgerError(f"no file or folder at {path}")
    if suffix in _BOOKS:
        sheets = read_workbook(path, sheet=options.sheet)
        return {f"{path.stem}/{name}": frame for name, frame in sheets.items()}
    if suffix in _PARQUET:
        return {path.stem: _read_parquet(path, path.name)}
    if suffix in _TEXT or (not suffix and path.is_file()):
        return {path.stem: read_delimited(path, encoding=options.encoding, delimiter=options.delimiter)}
    hint = "save it as .xlsx or CSV" if suffix in _UNREADABLE else f"allowed: {', '.join(_READABLE)}"
    raise LedgerError(f"cannot read {path.name}: files ending in {suffix} are not read; {hint}")


def _read_parquet(path: Path, source: str) -> pd.DataFrame:
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        said = (str(error).splitlines() or [""])[0][:120]
        raise LedgerError(f"{path.name} is not a Parquet file, or is damaged ({said})") from None
    if not table.column_names:
        raise LedgerError(f"{path.name} has no columns")
    return with_lines(arrow_frame(table), source)


def _wanted(
    tables: dict[str, pd.DataFrame],
    patterns: Sequence[str] | None,
    where: str,
    seen: Sequence[str] = (),
) -> dict[str, pd.DataFrame]:
    """Keep the tables that patterns name, by their own name or their source's."""

    def fits(name: str, frame: pd.DataFrame) -> bool:
        source = str(frame["_source"].iloc[0]) if len(frame) else name
        return any(name_fits(form, patterns) for form in (name, source, Path(source).stem))

    kept = {name: frame for name, frame in tables.items() if fits(name, frame)}
    if not kept:
        found = ", ".join(seen or tables) or "nothing"
        raise LedgerError(f"{where} has no table named like {', '.join(patterns or ())}; found: {found}")
    return kept
