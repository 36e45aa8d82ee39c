"""Hazard regression on counts of item-days: arrays in, tables out."""
