"""Who defaulted and when: definition, states, labels, and what a ledger experienced."""
