SELECT side, clock_day, month, CAST(SUM(amount) AS BIGINT) AS amount FROM (SELECT m.side, m.due_day AS clock_day, m.month, m.amount FROM movements AS m) AS cells GROUP BY side, clock_day, month
