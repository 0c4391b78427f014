/* The roles: engineers (and the two service users) build, analysts read gold and snapshots, and only the role
   for personal data reads personal data, so that role is not granted to SYSADMIN. */
USE ROLE USERADMIN;

CREATE ROLE IF NOT EXISTS <% ctx.env.SNOWFLAKE_ROLE %>
  COMMENT = 'Marquee: loads bronze and builds everything from it';
CREATE ROLE IF NOT EXISTS <% ctx.env.SNOWFLAKE_ANALYST_ROLE %>
  COMMENT = 'Marquee: reads gold and snapshots';
CREATE ROLE IF NOT EXISTS <% ctx.env.SNOWFLAKE_PII_ROLE %>
  COMMENT = 'Marquee: reads personal data';

GRANT ROLE <% ctx.env.SNOWFLAKE_ROLE %> TO ROLE SYSADMIN;
GRANT ROLE <% ctx.env.SNOWFLAKE_ANALYST_ROLE %> TO ROLE SYSADMIN;
