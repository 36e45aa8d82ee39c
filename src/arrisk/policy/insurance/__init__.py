"""Credit insurance: policy terms on simulated losses, and the decision over what is unknown."""
