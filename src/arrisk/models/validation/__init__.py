"""Whether a score deserves trust: folds, order, level, drift, leaks, rivals."""
