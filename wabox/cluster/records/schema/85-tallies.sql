-- Counters by the hour: what `wabox stats` shows. They say nothing about anybody.
CREATE TABLE IF NOT EXISTS tallies (
  hour bigint NOT NULL,                   -- since the epoch
  name text NOT NULL,
  labels text NOT NULL,                   -- JSON
  bucket integer NOT NULL,
  n double precision NOT NULL,
  PRIMARY KEY (hour, name, labels, bucket)
);
