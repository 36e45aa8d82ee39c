"""Credit limits: how much, when to stop an order, when to tighten."""
