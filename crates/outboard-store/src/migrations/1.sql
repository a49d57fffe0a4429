-- Those who own runs. `id` names the lock file that its process holds; `beat` counts the renewals of its leases.
CREATE TABLE holders (
  no INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  beat INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  command TEXT NOT NULL,
  place TEXT NOT NULL,
  title TEXT NOT NULL,
  -- Milliseconds since 1970.
  began INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  -- 0 under way, 1 ended with a value, 2 ended otherwise.
  ended INTEGER NOT NULL DEFAULT 0,
  calls INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  -- The owner, if any, and the number that its appends carry.
  holder INTEGER,
  fence INTEGER NOT NULL,
  resumed INTEGER NOT NULL DEFAULT 0,
  redacted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX runs_under_way ON runs (no) WHERE ended = 0;
CREATE INDEX runs_by_change ON runs (changed);

-- Events, those of one transaction and run together. The key is `run * 2^32 + number`, so that a run lies in one piece.
CREATE TABLE chunks (
  key INTEGER PRIMARY KEY,
  body BLOB NOT NULL
) STRICT;

-- Large values, each once, by SHA-256.
CREATE TABLE blobs (
  hash BLOB PRIMARY KEY,
  body BLOB NOT NULL
) STRICT;
CREATE TABLE blob_uses (
  run INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (run, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_uses_by_hash ON blob_uses (hash);
