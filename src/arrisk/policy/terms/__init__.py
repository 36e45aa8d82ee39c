"""Payment terms: length by grade, milestones, late interest, prepayment, what a customer is worth."""
