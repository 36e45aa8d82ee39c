"""What was known of a customer or an invoice on a day."""
