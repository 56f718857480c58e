-- What is looked for by its age, or by whose it is, when it has to go: without these the whole table is read.
CREATE INDEX media_at ON media (at) WHERE at > 0;
CREATE INDEX llm_spending_of ON llm_spending (conversation_id);
