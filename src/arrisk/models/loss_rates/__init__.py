"""Loss rates by age of debt from the history of a ledger: several methods, one result."""
