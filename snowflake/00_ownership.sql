/* Stops the setup if an object with one of our names belongs to someone else: each object of ours bears a
   comment that begins with "Marquee: ". `make snowflake-check` names the object; choose another name
   for ours (docs/snowflake.md). Nothing is created or changed here. */
USE ROLE ACCOUNTADMIN;

EXECUTE IMMEDIATE $$
DECLARE
  belongs_to_someone_else EXCEPTION (-20001, 'An object with one of our names has no comment that begins with "Marquee: ".');
  objects CURSOR FOR
    SELECT column1 AS plural, column2 AS kind, UPPER(column3) AS name
    FROM VALUES
      ('USERS', 'USER', '<% ctx.env.SNOWFLAKE_INGEST_USER %>'),
      ('USERS', 'USER', '<% ctx.env.SNOWFLAKE_TRANSFORM_USER %>'),
      ('NETWORK POLICIES', 'NETWORK POLICY', '<% ctx.env.SNOWFLAKE_NETWORK_POLICY %>'),
      ('DATABASES', 'DATABASE', '<% ctx.env.SNOWFLAKE_DATABASE %>'),
      ('WAREHOUSES', 'WAREHOUSE', '<% ctx.env.SNOWFLAKE_INGEST_WAREHOUSE %>'),
      ('WAREHOUSES', 'WAREHOUSE', '<% ctx.env.SNOWFLAKE_TRANSFORM_WAREHOUSE %>'),
      ('ROLES', 'ROLE', '<% ctx.env.SNOWFLAKE_ROLE %>'),
      ('ROLES', 'ROLE', '<% ctx.env.SNOWFLAKE_ANALYST_ROLE %>'),
      ('ROLES', 'ROLE', '<% ctx.env.SNOWFLAKE_PII_ROLE %>');
BEGIN
  FOR named IN objects DO
    LET name VARCHAR := named.name;
    LET show_all VARCHAR := 'SHOW ' || named.plural;
    EXECUTE IMMEDIATE :show_all;
    LET others INTEGER := (
      SELECT COUNT(*)
      FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
      WHERE "name" = :name AND NOT STARTSWITH(COALESCE("comment", ''), 'Marquee: ')
    );
    IF (others > 0) THEN
      RAISE belongs_to_someone_else;
    END IF;
  END FOR;
  RETURN 'Every name is free, or ours.';
END;
$$;
