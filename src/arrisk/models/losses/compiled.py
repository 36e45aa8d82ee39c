"""When the loops compiled by numba (the extra [fast]) are taken."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache

from arrisk.errors import ModelError

__all__ = ["KERNELS", "can_compile", "take_compiled"]

KERNEL_MODULE = "arrisk.models.losses.kernels"
KERNELS = ("auto", "numpy", "numba")
# Below so many steps of a loop numpy is done before the compiler is loaded.
WORTH_COMPILING = 1e7


@cache
def is_there() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


def can_compile(steps: float) -> bool:
    """Whether a loop of so many steps is worth the compiled version, and there is one.

    Once the loops are loaded they cost nothing more to take.
    """
    return is_there() and (steps > WORTH_COMPILING or KERNEL_MODULE in sys.modules)


def take_compiled(kernel: str, steps: float) -> bool:
    """Whether `kernel`, a word of `KERNELS`, means the compiled loops for so many steps.

    Raises
    ------
    ModelError
        If the word is unknown, or numba is asked for and not installed.
    """
    if kernel not in KERNELS:
        raise ModelError(f"kernel {kernel!r} is unknown; known are {', '.join(KERNELS)}")
    if kernel == "numba" and not is_there():
        raise ModelError("kernel 'numba' needs the extra [fast]; 'numpy' gives the same draws without it")
    return kernel == "numba" or (kernel == "auto" and can_compile(steps))
