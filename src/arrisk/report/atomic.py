"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from arrisk.errors import RunError

__all__ = ["replace_file", "replaced_folder"]

STALE_SECONDS = 3600.0


def replace_file(path: str | os.PathLike[str], content: bytes | str) -> Path:
    """Write a file so that a reader sees either the old content or the new, never a part.

    Parameters
    ----------
    path : path
        The file; its folder is made when missing.
    content : bytes or str
        Text is written as UTF-8 with its line ends as given.

    Returns
    -------
    Path
        The file written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     replace_file(Path(folder) / "a.txt", "one").read_text()
    'one'
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode("utf-8") if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target


@contextmanager
def replaced_folder(path: str | os.PathLike[str], owned: Collection[str], marker: str) -> Iterator[Path]:
    """Build a folder beside its place and swap it in when the block ends without an error.

    The block fills an empty folder. When it ends well, the folder takes the place of the previous one by
    rename; when it raises, or the process is killed, the previous one stays as it was. Entries of the
    previous folder that are not `owned` (someone's notes) are carried over.

    Parameters
    ----------
    path : path
        The folder to replace or to make.
    owned : collection of str
        Names of the entries that the block writes.
    marker : str
        The entry by which an earlier result is known. A folder that has entries but not this one belongs to
        someone else and is refused.

    Yields
    ------
    Path
        The empty folder to fill.

    Raises
    ------
    RunError
        If `path` is a file, or a folder that holds something else.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as base:
    ...     with replaced_folder(Path(base) / "out", {"a.txt"}, "a.txt") as folder:
    ...         _ = (folder / "a.txt").write_text("one")
    ...     [p.name for p in (Path(base) / "out").iterdir()]
    ['a.txt']
    """
    target = Path(path).resolve()
    check_replaceable(target, marker)
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    building = Path(tempfile.mkdtemp(prefix=f".{target.name}.building-", dir=target.parent))
    try:
        yield building
        _carry_over(target, building, owned)
        building.chmod(0o777 & ~_umask())
        _swap(building, target)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def check_replaceable(path: str | os.PathLike[str], marker: str) -> None:
    """Refuse a path that holds something else than an earlier result (see `replaced_folder`).

    Raises
    ------
    RunError
        If `path` is a file, or a folder with entries but without `marker`.
    """
    target = Path(path).resolve()
    _restore(target)
    if target.exists() and not target.is_dir():
        raise RunError(f"{target} is a file, not a folder; choose another folder for the report")
    if target.is_dir() and any(target.iterdir()) and not (target / marker).exists():
        raise RunError(f"{target} holds files but no {marker}, so it is not a report; choose another folder")


def _previous(target: Path) -> Path:
    return target.with_name(f".{target.name}.previous")


def _swap(building: Path, target: Path) -> None:
    """Two renames; a process killed between them leaves the previous folder whole for `_restore`."""
    previous = _previous(target)
    if target.exists():
        os.rename(target, previous)
    try:
        os.rename(building, target)
    except BaseException:
        _restore(target)
        raise
    shutil.rmtree(previous, ignore_errors=True)


def _restore(target: Path) -> None:
    previous = _previous(target)
    if previous.is_dir():
        if target.exists():
            shutil.rmtree(previous, ignore_errors=True)
        else:
            os.rename(previous, target)


def _carry_over(target: Path, building: Path, owned: Collection[str]) -> None:
    if not target.is_dir():
        return
    for entry in sorted(target.iterdir()):
        if entry.name in owned or (building / entry.name).exists():
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.copytree(entry, building / entry.name, symlinks=True)
        else:
            shutil.copy2(entry, building / entry.name, follow_symlinks=False)


def _sweep(target: Path) -> None:
    """Remove what killed runs left unfinished, an hour or more ago."""
    for left in target.parent.glob(f".{target.name}.building-*"):
        if time.time() - left.stat().st_mtime > STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
