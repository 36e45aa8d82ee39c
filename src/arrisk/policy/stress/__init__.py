"""Stress: what a large default or a downturn does to losses, cash and covenants, and the reserve for it."""
