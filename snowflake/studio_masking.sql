/* The vault on Snowflake: the pipeline writes it with the engineers' role, and only the role for personal data
   reads plaintext personal data. Run once after the first
   `python pipelines/studio.py --destination snowflake`, which creates the tables; may be repeated. */
USE ROLE SECURITYADMIN;

GRANT USAGE ON SCHEMA <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE TO ROLE <% ctx.env.SNOWFLAKE_PII_ROLE %>;
GRANT SELECT ON ALL TABLES IN SCHEMA <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE TO ROLE <% ctx.env.SNOWFLAKE_PII_ROLE %>;
GRANT SELECT ON FUTURE TABLES IN SCHEMA <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE TO ROLE <% ctx.env.SNOWFLAKE_PII_ROLE %>;

/* The owner of a table could read it. The policy leaves it the tokens, by which rows are added and removed,
   and nothing of the person. CURRENT_ROLE() and not IS_ROLE_IN_SESSION(): secondary roles count for the
   latter, and are ALL by default, so a user with both roles would read plaintext as the engineers' role. */
USE ROLE ACCOUNTADMIN;

CREATE MASKING POLICY IF NOT EXISTS <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE.CLEAR_VALUE AS (value TEXT) RETURNS TEXT ->
  CASE WHEN CURRENT_ROLE() = UPPER('<% ctx.env.SNOWFLAKE_PII_ROLE %>') THEN value END
  COMMENT = 'Marquee: plaintext personal data is for its role only';
/* IF NOT EXISTS keeps the body of a policy that exists. */
ALTER MASKING POLICY <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE.CLEAR_VALUE
  SET BODY -> CASE WHEN CURRENT_ROLE() = UPPER('<% ctx.env.SNOWFLAKE_PII_ROLE %>') THEN value END;

ALTER TABLE <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE.PII_VAULT
  MODIFY COLUMN FAN_ID SET MASKING POLICY <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE.CLEAR_VALUE FORCE;
ALTER TABLE <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE.PII_VAULT
  MODIFY COLUMN EMAIL SET MASKING POLICY <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE.CLEAR_VALUE FORCE;
ALTER TABLE <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE.PII_VAULT
  MODIFY COLUMN FIRST_NAME SET MASKING POLICY <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE.CLEAR_VALUE FORCE;
ALTER TABLE <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE.PII_VAULT
  MODIFY COLUMN LAST_NAME SET MASKING POLICY <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE.CLEAR_VALUE FORCE;
ALTER TABLE <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE.PII_VAULT
  MODIFY COLUMN IP_ADDRESS SET MASKING POLICY <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE.CLEAR_VALUE FORCE;
