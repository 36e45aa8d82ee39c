"""The loss of a year over all customers: dependent defaults, random severity, the cost of bad years."""
