/* Drops what the other scripts created: each object of our names whose comment begins with "Marquee: ", and
   nothing of someone else. The database with all history goes with it; UNDROP DATABASE restores it within
   its days of time travel. A resource monitor can have no comment: ours goes once no warehouse has it. */
USE ROLE ACCOUNTADMIN;

EXECUTE IMMEDIATE $$
DECLARE
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
    LET drop_it VARCHAR := 'DROP ' || named.kind || ' ' || named.name;
    EXECUTE IMMEDIATE :show_all;
    LET ours INTEGER := (
      SELECT COUNT(*)
      FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
      WHERE "name" = :name AND STARTSWITH(COALESCE("comment", ''), 'Marquee: ')
    );
    IF (ours > 0) THEN
      EXECUTE IMMEDIATE :drop_it;
    END IF;
  END FOR;
  RETURN 'Dropped.';
END;
$$;

EXECUTE IMMEDIATE $$
BEGIN
  SHOW RESOURCE MONITORS;
  LET unused INTEGER := (
    SELECT COUNT(*)
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "name" = UPPER('<% ctx.env.SNOWFLAKE_RESOURCE_MONITOR %>') AND "level" IS NULL
  );
  IF (unused > 0) THEN
    DROP RESOURCE MONITOR <% ctx.env.SNOWFLAKE_RESOURCE_MONITOR %>;
  END IF;
  RETURN 'Dropped.';
END;
$$;
