CREATE TABLE IF NOT EXISTS secure.pii_vault (
  record_token TEXT,
  fan_token TEXT,
  fan_id TEXT,
  email TEXT,
  email_token TEXT,
  first_name TEXT,
  last_name TEXT,
  ip_address TEXT,
  ip_token TEXT,
  first_seen_at TIMESTAMP,
  batch_id TEXT
);

-- Whose earlier events do not land again. The token of a fan, who left no other row with it.
CREATE TABLE IF NOT EXISTS secure.forgotten_fans (fan_token TEXT, forgotten_at TIMESTAMP);

-- One row per erasure. The warehouse has their numbers and times, too (`erasure.py`).
CREATE TABLE IF NOT EXISTS secure.erasures (
  erasure_number BIGINT,
  fan_token TEXT,
  erased_at TIMESTAMP,
  completed_at TIMESTAMP
);

-- One row: under which key the tokens are (`Tokens.key_check`).
CREATE TABLE IF NOT EXISTS secure.token_key (key_check TEXT)
