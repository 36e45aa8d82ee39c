"""Where we stand: ageing and turnover as of a date."""
