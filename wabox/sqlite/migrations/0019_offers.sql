-- A case may be offered to one agent after the other (core.handoff.Handoff); what a language model made of it.
ALTER TABLE handoffs ADD COLUMN offered TEXT;
ALTER TABLE handoffs ADD COLUMN offered_name TEXT;
ALTER TABLE handoffs ADD COLUMN offered_until INTEGER;
ALTER TABLE handoffs ADD COLUMN passed TEXT NOT NULL DEFAULT '';
ALTER TABLE handoffs ADD COLUMN brief TEXT;
