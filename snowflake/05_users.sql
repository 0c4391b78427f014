/* The two service users. They sign in by key pair: TYPE = SERVICE can have no password. Both public keys, in
   one line without BEGIN and END, come from the environment (docs/snowflake.md). A second key,
   RSA_PUBLIC_KEY_2, lets keys be changed without a pause. They have no secondary roles: these would be ALL by
   default, and a session's rights must be those of its one role. */
USE ROLE USERADMIN;

CREATE USER IF NOT EXISTS <% ctx.env.SNOWFLAKE_INGEST_USER %>
  TYPE = SERVICE
  COMMENT = 'Marquee: dlt';
ALTER USER <% ctx.env.SNOWFLAKE_INGEST_USER %>
  SET TYPE = SERVICE
  DEFAULT_ROLE = <% ctx.env.SNOWFLAKE_ROLE %>
  DEFAULT_SECONDARY_ROLES = ()
  DEFAULT_WAREHOUSE = <% ctx.env.SNOWFLAKE_INGEST_WAREHOUSE %>
  RSA_PUBLIC_KEY = '<% ctx.env.SNOWFLAKE_INGEST_PUBLIC_KEY %>';

CREATE USER IF NOT EXISTS <% ctx.env.SNOWFLAKE_TRANSFORM_USER %>
  TYPE = SERVICE
  COMMENT = 'Marquee: SQLMesh';
ALTER USER <% ctx.env.SNOWFLAKE_TRANSFORM_USER %>
  SET TYPE = SERVICE
  DEFAULT_ROLE = <% ctx.env.SNOWFLAKE_ROLE %>
  DEFAULT_SECONDARY_ROLES = ()
  DEFAULT_WAREHOUSE = <% ctx.env.SNOWFLAKE_TRANSFORM_WAREHOUSE %>
  RSA_PUBLIC_KEY = '<% ctx.env.SNOWFLAKE_TRANSFORM_PUBLIC_KEY %>';

GRANT ROLE <% ctx.env.SNOWFLAKE_ROLE %> TO USER <% ctx.env.SNOWFLAKE_INGEST_USER %>;
GRANT ROLE <% ctx.env.SNOWFLAKE_ROLE %> TO USER <% ctx.env.SNOWFLAKE_TRANSFORM_USER %>;
