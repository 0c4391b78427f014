SELECT DISTINCT batch_id FROM bronze.raw_movies ORDER BY batch_id DESC NULLS LAST LIMIT 2
