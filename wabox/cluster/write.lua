-- One write of one conversation: everything that a unit of work (or what the sender learnt) changes, or nothing.
-- All keys have the partition's hash tag. Answers {0, version} written, {1, version} known already, {2, version} it moved on.
local s, d, u, t, c, r = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local w = cjson.decode(ARGV[1])
local session, work, record = ARGV[2], ARGV[3], ARGV[4]
local ids = {unpack(ARGV, 5)}
local version = tonumber(redis.call('HGET', s, 'v') or '0')

local known = 0
for _, id in ipairs(ids) do
  if redis.call('ZSCORE', d, id) then known = known + 1 end
end
if #ids > 0 and known == #ids then
  -- A write all the same: WAIT then also covers the one that told us about it.
  redis.call('PEXPIRE', d, w.remember)
  return {1, version}
end
if version ~= w.version then return {2, version} end

redis.call('HSET', s, 'v', version + 1)
if session ~= '' then redis.call('HSET', s, 'b', session) end
if work ~= '' then redis.call('HSET', s, 'o', work) end
redis.call('PEXPIRE', s, w.keep)
if #ids > 0 then
  for _, id in ipairs(ids) do redis.call('ZADD', d, w.now, id) end
  redis.call('ZREMRANGEBYSCORE', d, '-inf', w.now - w.remember)
  redis.call('PEXPIRE', d, w.remember)
end
-- u: who has messages to send, and from when on. c: who waits for calls. t: what comes due.
if w.unsent ~= cjson.null then redis.call('ZADD', u, w.unsent, w.id) else redis.call('ZREM', u, w.id) end
if w.calls then redis.call('SADD', c, w.id) else redis.call('SREM', c, w.id) end
for _, timer in ipairs(w.timers) do
  if timer[2] then redis.call('ZADD', t, timer[2], timer[1]) else redis.call('ZREM', t, timer[1]) end
end
if record ~= '' then redis.call('XADD', r, '*', 'r', record) end
return {0, version + 1}
