/* The database and its schemas. SQLMesh keeps the tables in SQLMESH__<schema> and points views of the
   schema itself at them; a dev environment's views stand in <schema>__DEV, which SQLMesh makes. */
USE ROLE SYSADMIN;

CREATE DATABASE IF NOT EXISTS <% ctx.env.SNOWFLAKE_DATABASE %>
  COMMENT = 'Marquee: movie analytics';
ALTER DATABASE <% ctx.env.SNOWFLAKE_DATABASE %>
  SET DATA_RETENTION_TIME_IN_DAYS = <% ctx.env.SNOWFLAKE_RETENTION_DAYS %>;

CREATE SCHEMA IF NOT EXISTS <% ctx.env.SNOWFLAKE_DATABASE %>.BRONZE
  COMMENT = 'Responses and lines as the sources sent them, append-only, by dlt';
CREATE SCHEMA IF NOT EXISTS <% ctx.env.SNOWFLAKE_DATABASE %>.SILVER
  COMMENT = 'Typed and cleaned, one row per entity';
CREATE SCHEMA IF NOT EXISTS <% ctx.env.SNOWFLAKE_DATABASE %>.SNAPSHOTS
  COMMENT = 'History, SCD type 2';
CREATE SCHEMA IF NOT EXISTS <% ctx.env.SNOWFLAKE_DATABASE %>.GOLD
  COMMENT = 'Star schema and KPIs';
CREATE SCHEMA IF NOT EXISTS <% ctx.env.SNOWFLAKE_DATABASE %>.SECURE
  COMMENT = 'Personal data: the vault, by pipelines/studio.py';
CREATE SCHEMA IF NOT EXISTS <% ctx.env.SNOWFLAKE_DATABASE %>.OPS
  COMMENT = 'Rejected values, quality results and the run log';

CREATE SCHEMA IF NOT EXISTS <% ctx.env.SNOWFLAKE_DATABASE %>.SQLMESH__SILVER
  COMMENT = 'Tables behind the views of SILVER, by SQLMesh';
CREATE SCHEMA IF NOT EXISTS <% ctx.env.SNOWFLAKE_DATABASE %>.SQLMESH__SNAPSHOTS
  COMMENT = 'Tables behind the views of SNAPSHOTS, by SQLMesh';
CREATE SCHEMA IF NOT EXISTS <% ctx.env.SNOWFLAKE_DATABASE %>.SQLMESH__GOLD
  COMMENT = 'Tables behind the views of GOLD, by SQLMesh';
CREATE SCHEMA IF NOT EXISTS <% ctx.env.SNOWFLAKE_DATABASE %>.SQLMESH__SECURE
  COMMENT = 'Tables behind the views of SECURE, by SQLMesh';
CREATE SCHEMA IF NOT EXISTS <% ctx.env.SNOWFLAKE_DATABASE %>.SQLMESH__OPS
  COMMENT = 'Tables behind the views of OPS, by SQLMesh';
