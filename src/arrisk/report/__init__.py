"""How the answer is told: style of figures, memo, workbook, and the runner of the notebooks."""
