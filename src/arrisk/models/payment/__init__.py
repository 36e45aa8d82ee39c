"""Who pays on which days, and how fast: the payment calendar, pay runs, hazards with covariates."""
