-- Uses of approvals, each taken in the transaction of the intent that rests on it.
CREATE TABLE spent (
  key TEXT PRIMARY KEY,
  used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What people are being asked, and the signed answers of other processes.
CREATE TABLE questions (
  id TEXT PRIMARY KEY,
  holder INTEGER NOT NULL,
  sheet TEXT NOT NULL,
  answer TEXT
) STRICT, WITHOUT ROWID;
