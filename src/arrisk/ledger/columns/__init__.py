"""Column maps: which header is which column, the shipped ones and how one is proposed."""
