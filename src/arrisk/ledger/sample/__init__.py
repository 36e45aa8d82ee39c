"""A ledger whose truth is known, of any size."""
