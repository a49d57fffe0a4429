-- An approval is of one run, so its uses need not be known any more once that has ended. Of uses that were recorded before,
-- neither run nor time (milliseconds since 1970) is known.
ALTER TABLE spent ADD COLUMN run TEXT;
ALTER TABLE spent ADD COLUMN at INTEGER;

-- Questions whose answer was taken by whoever asked, until whoever answered has seen that. A question itself goes with
-- whoever asked it.
CREATE TABLE taken (
  id TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
