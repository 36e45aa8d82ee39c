WITH dates AS (SELECT * FROM VALUES (30, 'it\'s'), (58, NULL) AS given(day, label)) SELECT day FROM dates
