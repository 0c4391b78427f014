/* Optional: routes interactions within a minute of their landing, by an append-only stream and a task, with the
   outcome of silver.stg_fan_interactions: the first delivery that can be routed wins, what cannot be
   routed waits with its reason. How a value is cleaned and parsed is the SQL of sqlmesh_project/macros/studio_rules.py,
   which a test holds against this script. The models remain the record; these tables are for those who cannot wait
   for a refresh. May be repeated: the stream keeps its place. */
USE ROLE ACCOUNTADMIN;

GRANT EXECUTE TASK ON ACCOUNT TO ROLE <% ctx.env.SNOWFLAKE_ROLE %>;
GRANT CREATE STREAM ON SCHEMA <% ctx.env.SNOWFLAKE_DATABASE %>.BRONZE TO ROLE <% ctx.env.SNOWFLAKE_ROLE %>;
GRANT CREATE TABLE ON SCHEMA <% ctx.env.SNOWFLAKE_DATABASE %>.OPS TO ROLE <% ctx.env.SNOWFLAKE_ROLE %>;
GRANT CREATE TASK ON SCHEMA <% ctx.env.SNOWFLAKE_DATABASE %>.OPS TO ROLE <% ctx.env.SNOWFLAKE_ROLE %>;

USE ROLE <% ctx.env.SNOWFLAKE_ROLE %>;
USE DATABASE <% ctx.env.SNOWFLAKE_DATABASE %>;

CREATE TABLE IF NOT EXISTS OPS.ROUTED_FAN_INTERACTIONS (
  INTERACTION_ID TEXT NOT NULL,
  FAN_TOKEN TEXT,
  FAN_CLASS TEXT COMMENT 'VERIFIED or GUEST; NULL when quarantined',
  QUARANTINE_REASON TEXT,
  ACCOUNT_TYPE TEXT,
  TITLE_ID TEXT,
  REGION TEXT,
  EVENT_TYPE TEXT,
  EVENT_AT TIMESTAMP_NTZ,
  AMOUNT NUMBER(18, 2),
  CURRENCY TEXT,
  ROUTED_AT TIMESTAMP_NTZ
)
COMMENT = 'One row per interaction, routed as soon as it is loaded';

CREATE STREAM IF NOT EXISTS BRONZE.NEW_FAN_INTERACTIONS
  ON TABLE BRONZE.RAW_FAN_INTERACTIONS
  APPEND_ONLY = TRUE
  SHOW_INITIAL_ROWS = TRUE
  COMMENT = 'Interactions that no task has routed yet';

CREATE OR REPLACE TASK OPS.ROUTE_FAN_INTERACTIONS
  WAREHOUSE = <% ctx.env.SNOWFLAKE_TRANSFORM_WAREHOUSE %>
  SCHEDULE = '1 MINUTE'
  /* As every session of ours (marquee/bronze/snowflake.py). */
  TIMEZONE = 'UTC'
  TIMESTAMP_TYPE_MAPPING = 'TIMESTAMP_NTZ'
  DATE_INPUT_FORMAT = 'AUTO'
  DATE_OUTPUT_FORMAT = 'YYYY-MM-DD'
  TIMESTAMP_INPUT_FORMAT = 'AUTO'
  TIMESTAMP_NTZ_OUTPUT_FORMAT = 'YYYY-MM-DD HH24:MI:SS.FF6'
  WEEK_START = 0
  WEEK_OF_YEAR_POLICY = 0
  QUOTED_IDENTIFIERS_IGNORE_CASE = FALSE
  ABORT_DETACHED_QUERY = TRUE
  COMMENT = 'Verified fans, guests, quarantine'
WHEN
  SYSTEM$STREAM_HAS_DATA('BRONZE.NEW_FAN_INTERACTIONS')
AS
  MERGE INTO OPS.ROUTED_FAN_INTERACTIONS AS known
  USING (
    SELECT
      delivery.interaction_id,
      delivery.fan_token,
      CASE WHEN delivery.event_type IN ('STREAM', 'PURCHASE', 'REVIEW', 'WISHLIST', 'TRAILER_VIEW') AND delivery.event_at IS NOT NULL THEN account.fan_class END AS fan_class,
      CASE
        WHEN account.fan_class IS NULL THEN 'unknown account type'
        WHEN NOT COALESCE(delivery.event_type IN ('STREAM', 'PURCHASE', 'REVIEW', 'WISHLIST', 'TRAILER_VIEW'), FALSE) THEN 'unknown event type'
        WHEN delivery.event_at IS NULL THEN 'not an ISO 8601 timestamp from 1990 to a day after it was read'
      END AS quarantine_reason,
      delivery.account_type,
      delivery.title_id,
      delivery.region,
      delivery.event_type,
      delivery.event_at,
      delivery.amount,
      delivery.currency
    FROM (
      SELECT
        interaction_id,
        fan_token,
        UPPER(account_type) AS account_type,
        NULLIF(title_id, '-1') AS title_id,
        CASE WHEN NOT UPPER(TRANSLATE(region, CONCAT(CHR(11), '\t\n\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff'), '')) IN ('-1', 'STANDALONE', 'UNKNOWN') THEN region END AS region,
        UPPER(event_type) AS event_type,
        CASE WHEN REGEXP_LIKE(event_timestamp, '^([0-9]{4}-[0-9][0-9]-[0-9][0-9]([Tt ]([01][0-9]|2[0-3])(:[0-5][0-9](:[0-5][0-9]([.,][0-9]+)?)?)? ?([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?)?|[0-9]{8}[Tt]([01][0-9]|2[0-3])([0-5][0-9]([0-5][0-9]([.,][0-9]+)?)?)?([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?)$') THEN NULLIF(GREATEST_IGNORE_NULLS(NULLIF(LEAST_IGNORE_NULLS(CASE WHEN event_timestamp LIKE '____-__-__T__:__:__Z' THEN TRY_CAST(event_timestamp AS TIMESTAMP) ELSE DATEADD(MINUTE, -CASE WHEN SUBSTRING(event_timestamp, 11) LIKE '%-%' THEN -1 ELSE 1 END * (TRY_CAST(LEFT(RPAD(SPLIT_PART(TRANSLATE(SUBSTRING(event_timestamp, CASE WHEN event_timestamp LIKE '____-%' THEN 10 ELSE 8 END + 2), ',-: Zz', '.+'), '+', 2), 4, '0'), 2) AS INT) * 60 + TRY_CAST(RIGHT(RPAD(SPLIT_PART(TRANSLATE(SUBSTRING(event_timestamp, CASE WHEN event_timestamp LIKE '____-%' THEN 10 ELSE 8 END + 2), ',-: Zz', '.+'), '+', 2), 4, '0'), 2) AS INT)), TRY_CAST(REGEXP_REPLACE(REPLACE(LEFT(event_timestamp, CASE WHEN event_timestamp LIKE '____-%' THEN 10 ELSE 8 END), '-', ''), '(....)(..)(..)', '\\1-\\2-\\3') || ' ' || REGEXP_REPLACE(RPAD(SPLIT_PART(SPLIT_PART(TRANSLATE(SUBSTRING(event_timestamp, CASE WHEN event_timestamp LIKE '____-%' THEN 10 ELSE 8 END + 2), ',-: Zz', '.+'), '+', 1), '.', 1), 6, '0'), '(..)(..)(..)', '\\1:\\2:\\3') || '.' || RPAD(LEFT(SPLIT_PART(SPLIT_PART(TRANSLATE(SUBSTRING(event_timestamp, CASE WHEN event_timestamp LIKE '____-%' THEN 10 ELSE 8 END + 2), ',-: Zz', '.+'), '+', 1), '.', 2), 6), 6, '0') AS TIMESTAMPNTZ)) END, (ingested_at + INTERVAL '1 DAY' + INTERVAL '1 MICROSECOND')), (ingested_at + INTERVAL '1 DAY' + INTERVAL '1 MICROSECOND')), CAST('1989-12-31 23:59:59.999999' AS TIMESTAMPNTZ)), CAST('1989-12-31 23:59:59.999999' AS TIMESTAMPNTZ)) END AS event_at,
        CASE WHEN (REGEXP_LIKE(amount, '^[+-]?([0-9]+[.]?|[0-9]*[.][0-9]{1,2})0*$') OR TRY_CAST(amount AS DECIMAL(18, 2)) = CASE WHEN REGEXP_LIKE(amount, '^[+-]?(([0-9]+[.]?|[0-9]*[.][0-9]{1,20})0*[eE][+]?[0-9][0-9]?|([0-9]+[.]?|[0-9]*[.][0-9]{1,10})0*[eE]-0?[0-9])$') THEN TRY_CAST(amount AS DECIMAL(38, 20)) END) AND TRY_CAST(amount AS DECIMAL(18, 2)) BETWEEN 0 AND 999999999 THEN TRY_CAST(amount AS DECIMAL(18, 2)) END AS amount,
        UPPER(currency) AS currency,
        ingested_at,
        source_file,
        source_line
      FROM (
        SELECT
          CASE WHEN REGEXP_LIKE(interaction_id, '^[!-~](.*[!-~])?$') THEN interaction_id ELSE NULLIF(TRIM(interaction_id, CONCAT(CHR(11), '\t\n\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff')), '') END AS interaction_id,
          CASE WHEN REGEXP_LIKE(account_type, '^[!-~](.*[!-~])?$') THEN account_type ELSE NULLIF(TRIM(account_type, CONCAT(CHR(11), '\t\n\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff')), '') END AS account_type,
          CASE WHEN REGEXP_LIKE(title_id, '^[!-~](.*[!-~])?$') THEN title_id ELSE NULLIF(TRIM(title_id, CONCAT(CHR(11), '\t\n\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff')), '') END AS title_id,
          CASE WHEN REGEXP_LIKE(region, '^[!-~](.*[!-~])?$') THEN region ELSE NULLIF(TRIM(region, CONCAT(CHR(11), '\t\n\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff')), '') END AS region,
          CASE WHEN REGEXP_LIKE(event_type, '^[!-~](.*[!-~])?$') THEN event_type ELSE NULLIF(TRIM(event_type, CONCAT(CHR(11), '\t\n\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff')), '') END AS event_type,
          CASE WHEN REGEXP_LIKE(event_timestamp, '^[!-~](.*[!-~])?$') THEN event_timestamp ELSE NULLIF(TRIM(event_timestamp, CONCAT(CHR(11), '\t\n\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff')), '') END AS event_timestamp,
          CASE WHEN REGEXP_LIKE(amount, '^[!-~](.*[!-~])?$') THEN amount ELSE NULLIF(TRIM(amount, CONCAT(CHR(11), '\t\n\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff')), '') END AS amount,
          CASE WHEN REGEXP_LIKE(currency, '^[!-~](.*[!-~])?$') THEN currency ELSE NULLIF(TRIM(currency, CONCAT(CHR(11), '\t\n\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff')), '') END AS currency,
          fan_token,
          ingested_at,
          source_file,
          source_line
        FROM BRONZE.NEW_FAN_INTERACTIONS
      ) AS cleaned
      WHERE
        NOT NULLIF(interaction_id, '-1') IS NULL
    ) AS delivery
    LEFT JOIN SILVER.SEED_ACCOUNT_TYPES AS account
      ON account.account_type = delivery.account_type
    QUALIFY
      ROW_NUMBER() OVER (PARTITION BY delivery.interaction_id ORDER BY IFF(quarantine_reason IS NULL, 0, 1), delivery.ingested_at, delivery.source_file, delivery.source_line) = 1
  ) AS routed
    ON known.interaction_id = routed.interaction_id
  WHEN MATCHED AND known.fan_class IS NULL AND routed.fan_class IS NOT NULL THEN UPDATE SET
    fan_token = routed.fan_token,
    fan_class = routed.fan_class,
    quarantine_reason = NULL,
    account_type = routed.account_type,
    title_id = routed.title_id,
    region = routed.region,
    event_type = routed.event_type,
    event_at = routed.event_at,
    amount = routed.amount,
    currency = routed.currency,
    routed_at = SYSDATE()
  WHEN NOT MATCHED THEN INSERT (
    interaction_id, fan_token, fan_class, quarantine_reason, account_type, title_id, region, event_type,
    event_at, amount, currency, routed_at
  ) VALUES (
    routed.interaction_id, routed.fan_token, routed.fan_class, routed.quarantine_reason,
    routed.account_type, routed.title_id, routed.region, routed.event_type, routed.event_at,
    routed.amount, routed.currency, SYSDATE()
  );

ALTER TASK OPS.ROUTE_FAN_INTERACTIONS RESUME;
