"""What an offer changed: designs that a ledger allows, their checks, and bounds when it allows none."""
