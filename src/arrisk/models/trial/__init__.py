"""Randomised trials by customer: power, who gets what, when to stop, and how to read the result."""
