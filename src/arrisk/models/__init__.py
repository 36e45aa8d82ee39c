"""What will be: scores, payment timing, cash, provisions, losses."""
