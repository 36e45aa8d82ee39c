"""Provision rates from the ledger's own history, on two paths."""
