"""Time to payment: exact curves and daily hazards in whole days, and what they say of open items."""
