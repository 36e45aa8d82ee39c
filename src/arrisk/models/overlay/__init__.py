"""Looking forward: factors, scenarios and a macro series on historical rates, and the log of overlays."""
