-- Who was forgotten: keyed hashes of their ids, which name nobody. Lists of other keys came with what was moved here.
CREATE TABLE IF NOT EXISTS forgotten (
  list text NOT NULL,                     -- the key, in hex; ours is `forgotten` in the table `cluster`
  hash text NOT NULL,
  at bigint NOT NULL,                     -- ms since the epoch: when last
  PRIMARY KEY (list, hash)
);
