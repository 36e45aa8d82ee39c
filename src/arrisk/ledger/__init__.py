"""What happened: tables, readers, checks, the ledger as of a date, the engines."""
