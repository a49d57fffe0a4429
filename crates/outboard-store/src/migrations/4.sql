-- The number of the last record of this owner's log that is in the database. The table has another name, so that an Outboard
-- that opened the database before, and knows nothing of logs, takes no runs over.
ALTER TABLE holders ADD COLUMN drained INTEGER NOT NULL DEFAULT 0;
ALTER TABLE holders RENAME TO owners;
