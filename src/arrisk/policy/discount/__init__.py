"""Cash discounts: what a running scheme shows, what schemes would be worth, and the advice."""
