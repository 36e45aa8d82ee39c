"""Scorecards: bins, fit, points, grades, reasons; and scores where there are few defaults or none."""
