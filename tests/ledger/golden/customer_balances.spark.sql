SELECT COALESCE(item, -1) AS item, customer, CASE WHEN side = 0 THEN 1 ELSE 0 END AS owed, day, COALESCE(due_day, 1073741824) AS due_day, amount FROM movements WHERE customer BETWEEN 3 AND 5
