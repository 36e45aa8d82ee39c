"""Regressions that stay right with few events."""
