"""Whether early-warning rules foretell default: back-test, ranking under a budget, watch list."""
