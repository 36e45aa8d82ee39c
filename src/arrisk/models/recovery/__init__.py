"""What comes back after a write-off: the recovery curve and the loss given default."""
