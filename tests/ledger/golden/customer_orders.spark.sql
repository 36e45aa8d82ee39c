SELECT customer, order_day AS day, COALESCE(cancelled_day, 1073741824) AS cancelled, amount FROM orders WHERE customer BETWEEN 3 AND 5
