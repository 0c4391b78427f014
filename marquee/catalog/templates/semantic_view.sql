{% set database, engineers = "<% ctx.env.SNOWFLAKE_DATABASE %>", "<% ctx.env.SNOWFLAKE_ROLE %>" %}
{% set view = database ~ ".GOLD.MOVIE_ANALYTICS" %}
/* The semantic view of gold, by which Cortex Analyst answers questions. Generated from the models
   and metrics by `make docs`; change them and not this file. A movie counts in its main genre. */
USE ROLE SECURITYADMIN;

GRANT CREATE SEMANTIC VIEW ON SCHEMA {{ database }}.GOLD TO ROLE {{ engineers }};

USE ROLE {{ engineers }};

CREATE OR REPLACE SEMANTIC VIEW {{ view }}
{% for kind, entries in lists.items() %}
  {{ kind }} (
    {{ entries | join(",\n    ") }}
  )
{% endfor %}
  COMMENT = 'Marquee: movies, their money and votes, and the performance of the studio''s titles';

GRANT SELECT ON SEMANTIC VIEW {{ view }} TO ROLE <% ctx.env.SNOWFLAKE_ANALYST_ROLE %>;
