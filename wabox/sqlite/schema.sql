-- The schema as it is after all migrations. For reading: the database is made by migrations/, and a test keeps the two equal.

-- A customer's conversation with one of our numbers. The other tables point to `key`: it is short, and in the tables that
-- grow it saves more bytes than the messages have.
CREATE TABLE conversations (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,          -- <number id>:<customer>
  number_id TEXT,
  contact BLOB,                     -- JSON; NULL until a unit of work named the customer
  sequence INTEGER NOT NULL,        -- the compare-and-set token
  snapshot BLOB,                    -- the engine's; NULL when the conversation is over
  updated_at INTEGER NOT NULL,      -- ms since the epoch, like every time here
  active_at INTEGER NOT NULL,       -- updated_at, rounded down so that a busy conversation seldom moves in the index
  opened_at INTEGER,                 -- the customer last wrote or called, by their clock: opens the service window
  quiet_until INTEGER NOT NULL DEFAULT 0 -- until then a person answers from the phone
) STRICT;
CREATE INDEX conversations_active ON conversations (active_at);
CREATE INDEX conversations_handle ON conversations (substr(id, instr(id, ':') + 1)); -- of one customer, with every number

-- Messages that wait to be handled. The transaction that handles one sets its seq to 0, and a later message takes over the
-- row: were it deleted, its page would be given back and fetched again, a quarter of all that is written per message.
CREATE TABLE inbox (
  slot INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,             -- the order of arrival; 0: the row is free, what else it says is over
  conversation_id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  body BLOB NOT NULL                -- JSON of core.message.InboundMessage
) STRICT;

-- Ids of messages that arrived, so that Meta's redeliveries are recognised (it repeats for up to seven days).
-- 4 bytes of the message's own timestamp (s, big-endian) and 12 of a digest: new keys go to the end of the tree, old ones
-- are a range.
CREATE TABLE seen (key BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;

-- The same for messages whose timestamp says nothing about when they arrived.
CREATE TABLE seen_undated (
  digest BLOB PRIMARY KEY,
  at INTEGER NOT NULL               -- when it arrived
) STRICT, WITHOUT ROWID;

-- Messages to send, and what became of them. Statuses come for up to 30 days, so a row outlives its sending.
CREATE TABLE outbox (
  key INTEGER PRIMARY KEY,          -- the order within a conversation
  id TEXT NOT NULL UNIQUE,
  conversation INTEGER NOT NULL,
  number_id TEXT NOT NULL,
  body BLOB NOT NULL,               -- JSON, the Cloud API request
  policy TEXT NOT NULL,
  status TEXT NOT NULL,             -- core.delivery.DeliveryStatus
  pending INTEGER NOT NULL,         -- 1: still has to leave (queued, sending, unknown)
  attempts INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  attempted_at INTEGER,
  wamid TEXT,
  reason TEXT,
  pricing BLOB,                     -- JSON, from the delivery status
  otherwise BLOB,                   -- JSON, the template that is sent instead once the service window is closed
  closes_at INTEGER,                -- when that is; NULL: it may leave at any time
  due_at INTEGER,                   -- not before
  code INTEGER,                     -- Meta's, of the failure
  tell INTEGER NOT NULL DEFAULT 1,  -- 0: its failure is nobody's news; 1: tell the flow if it fails; 2: it failed, to be told
  source TEXT NOT NULL DEFAULT '',  -- the chart that said it, or who sent it; for the meter
  purpose TEXT NOT NULL DEFAULT 'service', -- core.delivery.Purpose
  recipient INTEGER,                -- of a broadcast: whose row learns what became of it
  recalled TEXT                     -- why it is not to be tried again, should it turn out that it did not leave
) STRICT;
CREATE INDEX outbox_pending ON outbox (conversation) WHERE pending = 1;
CREATE INDEX outbox_wamid ON outbox (wamid) WHERE wamid IS NOT NULL;
CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL AND pending = 1;
CREATE INDEX outbox_untold ON outbox (key) WHERE tell = 2;

-- Delivery statuses of messages that we do not know (yet): a status may overtake the answer to its own POST.
CREATE TABLE stray_statuses (
  wamid TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  body BLOB NOT NULL                -- JSON of core.delivery.StatusUpdate, the furthest one
) STRICT, WITHOUT ROWID;

-- Timers are rows; a due one becomes an inbox row.
CREATE TABLE timers (
  conversation INTEGER NOT NULL,
  name TEXT NOT NULL,
  armed INTEGER NOT NULL,           -- sequence of the snapshot that armed it
  due_at INTEGER NOT NULL,
  wake_at INTEGER NOT NULL,         -- when to look at it; at most due_at
  PRIMARY KEY (conversation, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX timers_wake ON timers (wake_at);

CREATE TABLE transcript (
  key INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  ref TEXT,
  body BLOB NOT NULL                -- JSON
) STRICT;
CREATE INDEX transcript_conversation ON transcript (conversation);

CREATE TABLE handoffs (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  conversation INTEGER NOT NULL,
  status TEXT NOT NULL,
  queue TEXT NOT NULL,
  priority INTEGER NOT NULL,
  reason TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  agent TEXT,                       -- who has it, or had it last: an id
  agent_name TEXT,
  claimed_at INTEGER,               -- by the first person
  last_agent_at INTEGER,
  waiting_since INTEGER,            -- NULL: the last word is the agent's
  closed_at INTEGER,
  outcome TEXT,
  rating INTEGER,                   -- 1 to 5
  told TEXT,                        -- core.handoff.Handoff.told
  offered TEXT, offered_name TEXT, offered_until INTEGER,
  passed TEXT NOT NULL DEFAULT '', brief TEXT
) STRICT;
CREATE UNIQUE INDEX handoffs_open ON handoffs (conversation) WHERE status <> 'closed';
CREATE INDEX handoffs_claimed ON handoffs (queue, claimed_at) WHERE claimed_at IS NOT NULL;
CREATE INDEX handoffs_of ON handoffs (conversation);

-- Whoever answers is told of a case: one row for each that has to be told, and what became of it.
CREATE TABLE alerts (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, conversation INTEGER NOT NULL, case_id TEXT NOT NULL,
  address TEXT NOT NULL, what TEXT NOT NULL, body BLOB NOT NULL, -- core.alert.Alert; JSON
  created_at INTEGER NOT NULL, due_at INTEGER NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL, reason TEXT,
  ref TEXT,                         -- the outbox's id of the WhatsApp message that it became
  settled_at INTEGER
) STRICT;
CREATE INDEX alerts_due ON alerts (due_at) WHERE status IN ('waiting', 'sent');
CREATE INDEX alerts_case ON alerts (case_id);
CREATE INDEX alerts_card ON alerts (ref) WHERE ref IS NOT NULL;

-- What nobody could read, whole, with the reason.
CREATE TABLE dead_letters (
  key INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  raw BLOB NOT NULL
) STRICT;

-- Webhook changes that are neither message nor status: kept, not yet acted on.
CREATE TABLE other_changes (
  key INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  field TEXT NOT NULL,
  number_id TEXT,
  raw BLOB NOT NULL
) STRICT;

-- Calls (`invoke`) whose result is awaited. The transaction that stores the result as an inbox row deletes the call.
CREATE TABLE invocations (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,          -- also the idempotency key
  conversation INTEGER NOT NULL,
  chart TEXT NOT NULL,
  name TEXT NOT NULL,               -- the id of the `invoke`
  armed INTEGER NOT NULL,           -- sequence of the snapshot that asked
  request BLOB NOT NULL,            -- JSON; secrets are still placeholders
  timeout INTEGER NOT NULL,         -- ms
  retries INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL         -- tries begun
) STRICT;
CREATE INDEX invocations_conversation ON invocations (conversation);

-- Published versions of bots. The copy of the folder lies in published/<bot>/<id>, complete before the row is there.
CREATE TABLE versions (
  bot TEXT NOT NULL,
  id TEXT NOT NULL,                 -- 12 hex digits over the files
  number INTEGER NOT NULL,          -- 1, 2, 3 … in the order of first publication
  charts BLOB NOT NULL,             -- JSON: references of its charts
  live_from INTEGER NOT NULL,
  live_until INTEGER,               -- NULL: the live one
  choice TEXT,                      -- core.version.Choice
  PRIMARY KEY (bot, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX versions_live ON versions (bot) WHERE live_until IS NULL;

-- Customers. What a conversation is named after must not change when a customer's ids do.
CREATE TABLE contacts (
  key INTEGER PRIMARY KEY,
  handle TEXT NOT NULL UNIQUE,      -- the id that it was first seen with: conversations are <number id>:<handle>
  merged_into INTEGER,              -- the contact that took its ids over
  created_at INTEGER NOT NULL,
  consent BLOB                      -- JSON of core.consent.Consent: what the ledger comes to; NULL: never asked
) STRICT;
CREATE INDEX contacts_merged ON contacts (merged_into) WHERE merged_into IS NOT NULL;

-- What customers agreed to and what they asked us to stop. Only ever added to.
CREATE TABLE consents (
  key INTEGER PRIMARY KEY,
  contact INTEGER NOT NULL,
  at INTEGER NOT NULL,
  what TEXT NOT NULL,               -- core.consent.ConsentWhat
  channel TEXT NOT NULL,            -- core.consent.ConsentChannel
  words TEXT,                       -- quoted
  number_id TEXT,                   -- the business number that it was said to
  ref TEXT,                         -- the message that says so
  "by" TEXT                         -- who entered it
) STRICT;
CREATE INDEX consents_contact ON consents (contact);

-- Ids of customers. At most one contact has an id at a time; a row that is over is kept.
CREATE TABLE identities (
  key INTEGER PRIMARY KEY,
  contact INTEGER NOT NULL,
  kind TEXT NOT NULL,               -- user_id (BSUID) or wa_id (phone)
  value TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,       -- to a day
  replaced_at INTEGER               -- NULL: it is theirs now
) STRICT;
CREATE UNIQUE INDEX identities_current ON identities (value, kind) WHERE replaced_at IS NULL;
CREATE INDEX identities_contact ON identities (contact);

-- One template to many customers.
CREATE TABLE broadcasts (
  key INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,             -- core.broadcast.BroadcastStatus
  reason TEXT NOT NULL,             -- why it is paused, or waits
  next_at INTEGER NOT NULL,         -- when the next recipient may be entered
  body BLOB NOT NULL                -- JSON of core.broadcast.Broadcast; status and reason are those of this row
) STRICT;

-- Each of them: waiting, entered (into the conversation's queue), then what became of the message; or skipped.
CREATE TABLE recipients (
  key INTEGER PRIMARY KEY,
  broadcast INTEGER NOT NULL,
  line INTEGER NOT NULL,            -- of the file
  contact BLOB NOT NULL,            -- JSON
  body BLOB NOT NULL,               -- JSON, the request without addressing
  status TEXT NOT NULL,
  code INTEGER,                     -- Meta's
  reason TEXT,
  outbound_id TEXT,
  entered_at INTEGER
) STRICT;
CREATE INDEX recipients_progress ON recipients (broadcast, status, code);
CREATE INDEX recipients_entered ON recipients (entered_at) WHERE entered_at IS NOT NULL;

-- Many hands change the outbox; a recipient learns from here what became of the message. Skipped: refused here, not by WhatsApp.
CREATE TRIGGER outbox_recipient AFTER INSERT ON outbox WHEN NEW.recipient IS NOT NULL
BEGIN
  UPDATE recipients SET outbound_id = NEW.id, reason = NEW.reason, code = NEW.code,
    status = CASE WHEN NEW.status = 'failed' THEN 'skipped' ELSE NEW.status END
  WHERE key = NEW.recipient;
END;
CREATE TRIGGER outbox_followed AFTER UPDATE OF status ON outbox WHEN NEW.recipient IS NOT NULL
BEGIN
  UPDATE recipients SET reason = NEW.reason,
    code = CASE WHEN NEW.status = 'queued' OR (NEW.status = 'failed' AND OLD.status <> 'queued') THEN NEW.code END,
    status = CASE WHEN NEW.status = 'failed' AND (NEW.attempts = 0 OR NEW.recalled IS NOT NULL OR OLD.status = 'queued')
      THEN 'skipped' ELSE NEW.status END
  WHERE key = NEW.recipient;
END;

-- How many messages were delivered, for what Meta charges: counters that outlive the messages.
CREATE TABLE meter (
  slot INTEGER NOT NULL,            -- the half hour: ms since the epoch / 1,800,000
  number_id TEXT NOT NULL,
  category TEXT NOT NULL,           -- of the delivery status: service, utility, marketing …
  type TEXT NOT NULL,               -- regular, free_customer_service, free_entry_point …
  source TEXT NOT NULL,             -- outbox.source
  template TEXT NOT NULL,           -- its name, or nothing
  delivered INTEGER NOT NULL,
  PRIMARY KEY (slot, number_id, category, type, source, template)
) STRICT, WITHOUT ROWID;

-- Templates as WhatsApp has them, each in each language: from the last look at the account, and what webhooks said since.
CREATE TABLE templates (
  name TEXT NOT NULL,
  language TEXT NOT NULL,
  body BLOB NOT NULL,               -- JSON of core.template.StoredTemplate
  PRIMARY KEY (name, language)
) STRICT, WITHOUT ROWID;

-- Files that customers sent: one row per message, many rows may share a file. The files lie in media/, by hash.
CREATE TABLE media (
  message_id TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL,
  number_id TEXT NOT NULL,
  media_id TEXT NOT NULL,           -- Meta's
  type TEXT NOT NULL,               -- the message's
  mime_type TEXT,                   -- Meta's word
  sha256 TEXT,                      -- hex; Meta's word until the file is stored
  at INTEGER NOT NULL,              -- when the customer sent it
  status TEXT NOT NULL,             -- core.media.MediaStatus
  attempts INTEGER NOT NULL,
  due_at INTEGER NOT NULL,          -- when to try (again), while it waits
  content_type TEXT,                -- what its first bytes say
  size INTEGER,
  reason TEXT,                      -- why it is not there
  heard TEXT,                       -- what is said in a voice message
  confidence REAL
) STRICT, WITHOUT ROWID;
CREATE INDEX media_waiting ON media (due_at) WHERE status = 'waiting';
CREATE INDEX media_erased ON media (sha256) WHERE status = 'erased';
CREATE INDEX media_file ON media (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX media_conversation ON media (conversation_id);
CREATE INDEX media_at ON media (at) WHERE at > 0; -- what is erased has no time any more

-- Files of bots that were uploaded to Meta: their ids there. A cache, in the database because each entry spares a transfer of
-- megabytes while a customer waits.
CREATE TABLE uploads (
  number_id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  media_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (number_id, sha256)
) STRICT, WITHOUT ROWID;

-- What the language model has cost.
CREATE TABLE llm_spending (
  day TEXT NOT NULL,                -- ISO, by the bot's clock
  conversation_id TEXT NOT NULL,    -- empty: the day's total
  micros INTEGER NOT NULL,          -- millionths of a unit of money
  calls INTEGER NOT NULL,
  PRIMARY KEY (day, conversation_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX llm_spending_of ON llm_spending (conversation_id);

-- What it said, for whoever asks the same: a choice among names and sentences of the owner's own.
CREATE TABLE llm_answers (
  key BLOB PRIMARY KEY,             -- a digest of everything that it was told
  at INTEGER NOT NULL,
  tries INTEGER NOT NULL,           -- without an answer, in a row
  body TEXT                         -- NULL: none so far
) STRICT, WITHOUT ROWID;
CREATE INDEX llm_answers_at ON llm_answers (at);
-- Conversations that are over, as they stood.
CREATE TABLE archives (
  key INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL,
  at INTEGER NOT NULL,
  reason TEXT NOT NULL,             -- core.conversation.Archive
  snapshot BLOB NOT NULL,           -- the engine's
  UNIQUE (conversation, at)
) STRICT;

-- People who look after conversations, how they prove it, and what they did.
CREATE TABLE agents (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,          -- core.agent.Agent
  name TEXT NOT NULL,
  roles TEXT NOT NULL,              -- JSON arrays
  queues TEXT NOT NULL,
  skills TEXT NOT NULL,
  disabled INTEGER NOT NULL DEFAULT 0,
  password TEXT,                    -- argon2id, encoded with its parameters
  created_at INTEGER NOT NULL,
  language TEXT                     -- of the cards that tell them of cases; NULL: the bot's first
) STRICT;

CREATE TABLE agent_tokens (
  key INTEGER PRIMARY KEY,
  agent INTEGER NOT NULL,
  label TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE,        -- SHA-256: what is hashed is random
  created_at INTEGER NOT NULL,
  seen_at INTEGER,
  UNIQUE (agent, label)
) STRICT;

CREATE TABLE sessions (             -- a browser that is signed in, or was
  key INTEGER PRIMARY KEY,
  agent INTEGER NOT NULL,
  hash BLOB NOT NULL UNIQUE,        -- SHA-256 of the cookie
  address TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX sessions_of ON sessions (agent, address);

CREATE TABLE refused_logins (       -- under names that exist and names that do not
  name BLOB PRIMARY KEY,            -- hashed with login_key: a password may have been typed there
  times INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE login_key (value BLOB NOT NULL) STRICT;

CREATE TABLE audit (                -- core.agent.Act
  key INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  who TEXT NOT NULL,
  what TEXT NOT NULL,
  target TEXT NOT NULL,
  address TEXT NOT NULL,
  outcome TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_remains BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

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

-- What agents prove beside their password: a code of the moment, from their phone, or one of those on paper.
CREATE TABLE agent_codes (
  agent INTEGER PRIMARY KEY,        -- agents.key
  secret TEXT NOT NULL,             -- RFC 6238, base32; alone it opens nothing
  last_step INTEGER NOT NULL,       -- of 30 s; no code is good twice
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE agent_recovery_codes (
  agent INTEGER NOT NULL,
  hash BLOB NOT NULL,               -- SHA-256: what is hashed is random
  PRIMARY KEY (agent, hash)
) STRICT, WITHOUT ROWID;
