"""How what is recovered after a claim is divided between insurer and insured."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = ["share_recovery"]

FloatArray = NDArray[np.float64]
ROUNDING = 1e-12


def share_recovery(
    recovery: ArrayLike, indemnity: ArrayLike, debt: ArrayLike, costs: ArrayLike = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Divide a recovery, net of its costs, in proportion to the indemnity and the rest of the debt.

    Parameters
    ----------
    recovery, costs : float or array
        Recovered after the claim, and what it cost. Costs above the recovery are borne in the same
        proportion.
    indemnity, debt : float or array
        Paid by the insurer, and the whole claimable debt.

    Returns
    -------
    insurer, insured : arrays

    Raises
    ------
    ModelError
        If an amount is negative or an indemnity exceeds the debt.

    Examples
    --------
    >>> insurer, insured = share_recovery(22_000, 50_000, 110_000, costs=2_000)
    >>> round(float(insurer), 2), round(float(insured), 2)
    (9090.91, 10909.09)
    """
    got, paid, owed, spent = (np.asarray(x, dtype=float) for x in (recovery, indemnity, debt, costs))
    for amounts, what in ((got, "recovery"), (paid, "indemnity"), (owed, "debt"), (spent, "costs")):
        if not (amounts >= 0).all():
            raise ModelError(f"{what} cannot be negative, got {float(np.min(amounts)):g}")
    if (paid > owed * (1 + ROUNDING)).any():
        worst = int(np.argmax(np.ravel(paid - owed)))
        seen = np.broadcast_arrays(paid, owed)
        raise ModelError(
            f"an indemnity cannot exceed the debt, got {seen[0].ravel()[worst]:,.2f} on a debt of "
            f"{seen[1].ravel()[worst]:,.2f}"
        )
    net = got - spent
    share = np.divide(paid, owed, out=np.zeros(np.broadcast(paid, owed).shape), where=owed > 0)
    return net * share, net * (1 - share)
