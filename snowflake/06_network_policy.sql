/* Optional: the service users come from these addresses only. The policy is theirs and not the account's, so
   that nobody locks himself out. */
USE ROLE SECURITYADMIN;

CREATE NETWORK POLICY IF NOT EXISTS <% ctx.env.SNOWFLAKE_NETWORK_POLICY %>
  ALLOWED_IP_LIST = (<% ctx.env.SNOWFLAKE_ALLOWED_IPS %>)
  COMMENT = 'Marquee: addresses of the service users';
ALTER NETWORK POLICY <% ctx.env.SNOWFLAKE_NETWORK_POLICY %>
  SET ALLOWED_IP_LIST = (<% ctx.env.SNOWFLAKE_ALLOWED_IPS %>);

ALTER USER <% ctx.env.SNOWFLAKE_INGEST_USER %> SET NETWORK_POLICY = <% ctx.env.SNOWFLAKE_NETWORK_POLICY %>;
ALTER USER <% ctx.env.SNOWFLAKE_TRANSFORM_USER %> SET NETWORK_POLICY = <% ctx.env.SNOWFLAKE_NETWORK_POLICY %>;
