"""From a grade to terms: days of credit, limit, advance payment or security."""
