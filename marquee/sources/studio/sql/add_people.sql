INSERT INTO secure.pii_vault
SELECT {fields}, CAST('{now}' AS TIMESTAMP), '{batch_id}'
FROM {incoming} AS incoming
LEFT JOIN secure.pii_vault AS known
  ON known.record_token = incoming.record_token
WHERE known.record_token IS NULL
