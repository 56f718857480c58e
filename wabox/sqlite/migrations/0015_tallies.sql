-- Counters of what transcripts say and of what the process measured, by the hour. They hold nothing about anybody.
CREATE TABLE tallies (
  hour INTEGER NOT NULL,            -- since the epoch
  name TEXT NOT NULL,               -- core.figure
  labels TEXT NOT NULL,             -- JSON, their values
  bucket INTEGER NOT NULL,          -- of a histogram, from 0; -1: a counter; -2: the sum
  n REAL NOT NULL,
  PRIMARY KEY (hour, name, labels, bucket)
) STRICT, WITHOUT ROWID;

-- Up to which line of the transcript they are counted; one row.
CREATE TABLE tallied (key INTEGER NOT NULL) STRICT;
INSERT INTO tallied (key) VALUES (0);
