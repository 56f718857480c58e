-- One write of one conversation: everything that a unit of work (or what the sender learnt) changes, or nothing.
-- All keys have the partition's hash tag. Answers {0, version} written, {1, version} known already, {2, version} it moved on.
-- Every command of a script goes to the replica and to the log by itself: what stays as it is is not written again.
local s, d, u, t, c, r, x = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local id, from, now, remember, keep, unsent, calls = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local session, work, record = ARGV[8], ARGV[9], ARGV[10]
-- Three lists, each after its length: ids handled; when timers come due, and which; timers that go.
local ids_end = 11 + ARGV[11]
local set_end = ids_end + 1 + ARGV[ids_end + 1]
local call = redis.call
-- x: one that was forgotten not long ago begins above all versions that it had.
local version = tonumber(call('HGET', s, 'v') or call('GET', x) or 0)

if ids_end > 11 then
  local known = true
  for _, at in ipairs(call('ZMSCORE', d, unpack(ARGV, 12, ids_end))) do known = known and at end
  if known then
    -- A write all the same: WAIT then also covers the one that told us about it.
    call('PEXPIRE', d, remember)
    return {1, version}
  end
end
if version ~= tonumber(from) then return {2, version} end

version = version + 1
local fields = {'v', version}
if session ~= '' then fields[3], fields[4] = 'b', session end
if work ~= '' then fields[#fields + 1] = 'o'; fields[#fields + 1] = work end
call('HSET', s, unpack(fields))
if keep ~= '' then call('PEXPIRE', s, keep) end
if ids_end > 11 then
  local scored = {}
  for at = 12, ids_end do scored[#scored + 1] = now; scored[#scored + 1] = ARGV[at] end
  call('ZADD', d, unpack(scored))
  if version % 16 == 0 then call('ZREMRANGEBYSCORE', d, '-inf', now - remember) end
  call('PEXPIRE', d, remember)
end
-- u: who has messages to send, and from when on. c: who waits for calls. t: what comes due.
if unsent == '-' then call('ZREM', u, id) elseif unsent ~= '' then call('ZADD', u, unsent, id) end
if calls == '-' then call('SREM', c, id) elseif calls == '+' then call('SADD', c, id) end
if set_end > ids_end + 1 then call('ZADD', t, unpack(ARGV, ids_end + 2, set_end)) end
if #ARGV > set_end + 1 then call('ZREM', t, unpack(ARGV, set_end + 2)) end
if record ~= '' then call('XADD', r, '*', 'r', record) end
return {0, version}
