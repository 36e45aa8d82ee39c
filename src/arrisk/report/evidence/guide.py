"""The page for the auditor: how to arrive at the provision from the files of a pack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from arrisk.display import money

if TYPE_CHECKING:
    from arrisk.models.provision.provision import Provision
    from arrisk.policy.study import Study

__all__ = ["GUIDE", "write_guide"]

GUIDE = "README.md"


def write_guide(folder: Path, study: Study, provision: Provision) -> None:
    """Write how to re-perform the provision, step by step."""
    total = provision.total
    told = (
        f"a bound of {money(total.high, provision.currency, 2)}: the ledger gives no rate"
        if total.value is None
        else money(total.value, provision.currency, 2)
    )
    text = f"""# Evidence of a provision

Provision on {provision.as_of:%Y-%m-%d}: {told}.
"""
    (folder / GUIDE).write_text(text, encoding="utf-8", newline="\n")
