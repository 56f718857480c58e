-- One conversation is forgotten: all of it goes at once, unless it moved on since its timers were read. Answers {0, version}, or {2, version} then.
-- What stays, for a while, is the moment, under a name that does not say whose it was: what was written before does not count,
-- and a conversation that begins anew has versions above all that there were.
local s, d, u, t, c, x = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local id, version, now, remember = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local call = redis.call
local known = call('HGET', s, 'v')
if known and known ~= version then return {2, tonumber(known)} end
call('SET', x, now, 'PX', remember)
call('DEL', s, d)
call('ZREM', u, id)
call('SREM', c, id)
if #ARGV > 4 then call('ZREM', t, unpack(ARGV, 5)) end
return {0, tonumber(now)}
