"""What to do: the study, the recommendation, and one module a decision."""
