-- Due timers of a partition, each taken by one sweep: they are put off for as long as one that dies needs to be taken again.
local due = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
for _, timer in ipairs(due) do redis.call('ZADD', KEYS[1], ARGV[4], timer) end
return due
