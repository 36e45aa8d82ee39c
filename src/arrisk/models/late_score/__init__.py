"""Whether an invoice will be paid late, told when it is issued."""
