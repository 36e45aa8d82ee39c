"""Early-warning rules: from what was known of customers on each day to dated alerts."""
