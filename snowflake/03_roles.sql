/* Who there is: engineers (and the two service users) build, analysts read gold and snapshots, and nobody
   reads personal data but by the role made for it, which is therefore not given to SYSADMIN. */
USE ROLE USERADMIN;

CREATE ROLE IF NOT EXISTS <% ctx.env.SNOWFLAKE_ROLE %>
  COMMENT = 'Loads bronze and builds everything from it';
CREATE ROLE IF NOT EXISTS <% ctx.env.SNOWFLAKE_ANALYST_ROLE %>
  COMMENT = 'Reads gold and snapshots';
CREATE ROLE IF NOT EXISTS <% ctx.env.SNOWFLAKE_PII_ROLE %>
  COMMENT = 'Reads personal data';

GRANT ROLE <% ctx.env.SNOWFLAKE_ROLE %> TO ROLE SYSADMIN;
GRANT ROLE <% ctx.env.SNOWFLAKE_ANALYST_ROLE %> TO ROLE SYSADMIN;
