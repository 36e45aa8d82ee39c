WITH dates AS (SELECT * FROM given_dates) SELECT day FROM dates
