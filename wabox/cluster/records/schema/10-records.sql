-- The record store of a cluster. Made by `wabox cluster init`; times are ms since the epoch.
CREATE TABLE IF NOT EXISTS cluster (
  name text PRIMARY KEY,
  value text NOT NULL                     -- the number of partitions, the version of this schema
);
CREATE TABLE IF NOT EXISTS conversations (
  id text PRIMARY KEY,                    -- <number id>:<customer>
  number_id text,
  contact bytea,                          -- JSON; NULL until a unit of work named the customer
  sequence bigint NOT NULL DEFAULT 0,
  snapshot bytea,                         -- a copy, for consoles; Redis has the one that counts
  updated_at bigint NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS conversations_updated ON conversations (updated_at);
CREATE TABLE IF NOT EXISTS transcript (
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  conversation text NOT NULL,
  at bigint NOT NULL,
  kind text NOT NULL,
  ref text,
  body bytea NOT NULL                     -- JSON
);
CREATE INDEX IF NOT EXISTS transcript_conversation ON transcript (conversation, key);
CREATE TABLE IF NOT EXISTS outbox (
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL UNIQUE,
  conversation text NOT NULL,
  status text NOT NULL,
  pending boolean NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  created_at bigint NOT NULL,
  attempted_at bigint,
  wamid text,
  reason text,
  code integer,
  pricing bytea,                          -- JSON, from the delivery status
  message bytea NOT NULL                  -- msgpack of core.delivery.OutboundMessage, as it was committed
);
CREATE INDEX IF NOT EXISTS outbox_wamid ON outbox (wamid) WHERE wamid IS NOT NULL;
CREATE INDEX IF NOT EXISTS outbox_pending ON outbox (key) WHERE pending;
CREATE INDEX IF NOT EXISTS outbox_failed ON outbox (key) WHERE status = 'failed';
CREATE TABLE IF NOT EXISTS stray_statuses (
  wamid text PRIMARY KEY,
  outbound_id text,
  at bigint NOT NULL,
  body bytea NOT NULL                     -- JSON of core.delivery.StatusUpdate, the furthest one
);
CREATE INDEX IF NOT EXISTS stray_statuses_outbound ON stray_statuses (outbound_id) WHERE outbound_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS handoffs (
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL UNIQUE,
  conversation text NOT NULL,
  status text NOT NULL,
  queue text NOT NULL,
  opened_at bigint NOT NULL,
  claimed_at bigint,
  handoff bytea NOT NULL                  -- JSON of core.handoff.Handoff
);
CREATE INDEX IF NOT EXISTS handoffs_open ON handoffs (opened_at) WHERE status <> 'closed';
CREATE INDEX IF NOT EXISTS handoffs_of ON handoffs (conversation);
CREATE TABLE IF NOT EXISTS dead_letters (
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at bigint NOT NULL, reason text NOT NULL, raw bytea NOT NULL
);
CREATE TABLE IF NOT EXISTS other_changes (
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at bigint NOT NULL, field text NOT NULL, number_id text,
  raw bytea NOT NULL
);
CREATE TABLE IF NOT EXISTS versions (
  bot text NOT NULL,
  id text NOT NULL,
  number integer NOT NULL,
  charts text[] NOT NULL,
  live_from bigint NOT NULL,
  live_until bigint,
  choice text,
  PRIMARY KEY (bot, id)
);
CREATE UNIQUE INDEX IF NOT EXISTS versions_live ON versions (bot) WHERE live_until IS NULL;
CREATE TABLE IF NOT EXISTS drained (
  partition integer PRIMARY KEY,
  last text[] NOT NULL                    -- the stream ids of the last batch: it may not have been taken out of the stream
);
