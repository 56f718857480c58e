-- Cases are worked on: who has one, since when the customer waits, how it ended.
ALTER TABLE handoffs ADD COLUMN agent TEXT;            -- who has it, or had it last: an id
ALTER TABLE handoffs ADD COLUMN agent_name TEXT;
ALTER TABLE handoffs ADD COLUMN claimed_at INTEGER;    -- by the first person
ALTER TABLE handoffs ADD COLUMN last_agent_at INTEGER;
ALTER TABLE handoffs ADD COLUMN waiting_since INTEGER; -- NULL: the last word is the agent's
ALTER TABLE handoffs ADD COLUMN closed_at INTEGER;
ALTER TABLE handoffs ADD COLUMN outcome TEXT;
ALTER TABLE handoffs ADD COLUMN rating INTEGER;        -- 1 to 5
ALTER TABLE handoffs ADD COLUMN told TEXT;             -- core.handoff.Handoff.told
UPDATE handoffs SET waiting_since = opened_at WHERE status <> 'closed';
UPDATE handoffs SET closed_at = changed_at WHERE status = 'closed';
CREATE INDEX handoffs_claimed ON handoffs (queue, claimed_at) WHERE claimed_at IS NOT NULL;
CREATE INDEX handoffs_of ON handoffs (conversation);
