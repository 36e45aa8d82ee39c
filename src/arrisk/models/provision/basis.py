"""The basis of a provision: every choice behind it, so that it can be made again on another day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from arrisk.errors import ModelError

__all__ = ["Basis", "FrameworkName"]

FrameworkName = Literal["IFRS 9", "ASC 326", "CAS 22"]


@dataclass(frozen=True, slots=True)
class Basis:
    """Every choice behind a provision but the data.

    Parameters
    ----------
    method : str
        How loss rates are made; see `fit_loss_rates`.
    conventions : mapping
        Choices of the method: window, buckets, averaging and so on.
    by : str, optional
        An attribute of customers that makes segments.
    level : float
        Coverage of the intervals.
    """

    method: str = "net_flow"
    conventions: Mapping[str, Any] = field(default_factory=dict)
    by: str | None = None
    level: float = 0.95

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ModelError(f"level is a probability between 0 and 1, got {self.level}")
