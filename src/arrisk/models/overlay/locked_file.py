"""One writer at a time for a small file that a reader always finds whole."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from arrisk.errors import ModelError

__all__ = ["locked_file"]

WAIT_SECONDS = 10.0
LOOK_EVERY = 0.02
BINARY = getattr(os, "O_BINARY", 0)
"""Where the system has a text mode, a line feed is to stay one byte."""


@contextmanager
def locked_file(
    path: str | os.PathLike[str], wait: float | None = None
) -> Iterator[tuple[bytes, Callable[[bytes], None]]]:
    """Read a file and replace it whole, while no other writer can.

    The new content goes into ``<name>.lock`` beside it, which only one process can make; renaming it over the
    file ends the writing. A process killed on its way leaves the lock, and the file as it was.

    Parameters
    ----------
    path : path
        The file; its folder is made when missing.
    wait : float, optional
        Seconds to wait for another writer, `WAIT_SECONDS` by default.

    Yields
    ------
    data : bytes
        The content, empty when the file is not there.
    write : callable
        Takes the new content; the file has it when the block ends without an error.

    Raises
    ------
    ModelError
        If another writer does not finish in time, or the file cannot be read or written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for word in (b"one ", b"two"):
    ...         with locked_file(Path(folder) / "a.txt") as (data, write):
    ...             write(data + word)
    ...     (Path(folder) / "a.txt").read_bytes()
    b'one two'
    """
    target = Path(path).resolve()
    lock = target.with_name(f"{target.name}.lock")
    handle = _take(lock, WAIT_SECONDS if wait is None else wait)
    written: list[bytes] = []
    mine = True
    try:
        with os.fdopen(handle, "wb") as stream:
            yield target.read_bytes() if target.exists() else b"", written.append
            if written:
                stream.write(written[-1])
                stream.flush()
                os.fsync(stream.fileno())
        if written:
            if target.exists():
                os.chmod(lock, target.stat().st_mode & 0o777)
            os.replace(lock, target)
            mine = False
    except OSError as error:
        raise ModelError(f"cannot write {target.name}: {error.strerror}") from error
    finally:
        if mine:  # after the renaming a lock of that name is another writer's
            lock.unlink(missing_ok=True)


def _take(lock: Path, wait: float) -> int:
    lock.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + wait
    while True:
        try:
            return os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY | BINARY, 0o666)
        except FileExistsError:
            if time.monotonic() >= until:
                raise ModelError(
                    f"{lock.name} is there: another process is writing; if none is, delete that file"
                ) from None
            time.sleep(LOOK_EVERY)
        except OSError as error:
            raise ModelError(f"cannot write beside {lock.name}: {error.strerror}") from error
