"""Raw cells read as dates, amounts, identifiers and flags, without guessing."""
