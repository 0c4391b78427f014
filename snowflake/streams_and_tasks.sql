/* Optional: routes interactions within a minute of their landing, by an append-only stream and a task, with the
   outcome of silver.stg_fan_interactions: the first delivery that can be routed wins, what cannot be
   routed waits with its reason. The models remain the record; these tables are for whoever cannot wait
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
COMMENT = 'One row an interaction, routed as it lands';

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
        WHEN delivery.event_at IS NULL THEN 'no moment up to a day after it was read'
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
        NULLIF(UPPER(TRIM(account_type, ' \t\r\n')), '') AS account_type,
        NULLIF(TRIM(title_id, ' \t\r\n'), '') AS title_id,
        NULLIF(TRIM(region, ' \t\r\n'), '') AS region,
        NULLIF(UPPER(TRIM(event_type, ' \t\r\n')), '') AS event_type,
        CASE
          WHEN TRIM(event_timestamp, ' \t\r\n') LIKE '____-__-__%'
            AND CONVERT_TIMEZONE('UTC', TRY_TO_TIMESTAMP_TZ(TRIM(event_timestamp, ' \t\r\n')))::TIMESTAMP_NTZ BETWEEN '1990-01-01' AND DATEADD(DAY, 1, ingested_at)
          THEN CONVERT_TIMEZONE('UTC', TRY_TO_TIMESTAMP_TZ(TRIM(event_timestamp, ' \t\r\n')))::TIMESTAMP_NTZ
        END AS event_at,
        CASE
          WHEN TRY_TO_DECIMAL(TRIM(amount, ' \t\r\n'), 18, 2) BETWEEN 0 AND 999999999999
          THEN TRY_TO_DECIMAL(TRIM(amount, ' \t\r\n'), 18, 2)
        END AS amount,
        NULLIF(UPPER(TRIM(currency, ' \t\r\n')), '') AS currency,
        ingested_at,
        source_file,
        source_line
      FROM BRONZE.NEW_FAN_INTERACTIONS
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
