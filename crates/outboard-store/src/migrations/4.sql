-- The number of the last record of this owner's log that is in the database.
ALTER TABLE holders ADD COLUMN drained INTEGER NOT NULL DEFAULT 0;
