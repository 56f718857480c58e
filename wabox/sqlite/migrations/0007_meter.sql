CREATE TABLE meter (
  slot INTEGER NOT NULL,
  number_id TEXT NOT NULL,
  category TEXT NOT NULL,
  type TEXT NOT NULL,
  source TEXT NOT NULL,
  template TEXT NOT NULL,
  delivered INTEGER NOT NULL,
  PRIMARY KEY (slot, number_id, category, type, source, template)
) STRICT, WITHOUT ROWID;
