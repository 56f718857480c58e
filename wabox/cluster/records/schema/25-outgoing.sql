-- Which business numbers there are: found by skipping through the index.
CREATE INDEX IF NOT EXISTS conversations_number ON conversations (number_id);
