-- The language of the cards that tell an agent of cases (core.agent.Agent).
ALTER TABLE agents ADD COLUMN language TEXT;
