"""Ways to turn receivables into cash, on one basis: what each costs, brings and leaves at risk."""
