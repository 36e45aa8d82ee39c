"""arrisk: risk in trade receivables, from a raw ledger to a defended credit-policy decision.

The rooms, one way through: ledger (what happened), portfolio (where we stand), models (what will be), policy
(what to do), report (how it is told).
"""

import lazy_loader

__version__ = "0.1.0"

# The names stand in the stub beside this file; attach_stub reads them from there.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
