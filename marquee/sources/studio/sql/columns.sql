-- The columns of all tables of the database, without those of views.
SELECT
  present.table_schema,
  present.table_name,
  LOWER(present.column_name),
  UPPER(present.data_type)
FROM information_schema.columns AS present
JOIN information_schema.tables AS known
  ON known.table_catalog = present.table_catalog
  AND known.table_schema = present.table_schema
  AND known.table_name = present.table_name
WHERE known.table_type = 'BASE TABLE' AND known.table_catalog = CURRENT_DATABASE()
