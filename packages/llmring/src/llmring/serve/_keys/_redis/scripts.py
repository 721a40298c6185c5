"""The steps that Redis takes as one, in Lua.

Amounts are integers of 10^-9 dollars, 2^53 at most in sum, which Lua's numbers hold exactly
(https://redis.io/docs/latest/develop/programmability/lua-api/); what is larger is beyond every limit. The time is the
server's. Keys of accounts are derived within ``BEAT``, so that a Redis Cluster is refused at start.

An amount that is set aside has a name. So a step that is taken again, because its answer was lost, changes nothing
more, and one that settles after its process was taken for dead finds its amount, marked by a minus sign.
"""

FIND = """
local found = redis.call('HMGET', KEYS[1], ARGV[1], ARGV[1] .. ':revoked')
return {redis.call('TIME')[1], found[1], found[2]}
"""
"""``KEYS``: the keys. ``ARGV``: a digest. Returns the second, the key and when it was revoked."""

HOLD = """
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return {} end
local account = redis.call('HMGET', KEYS[1], 'spent', 'withheld', 'held')
local spent, withheld, held = tonumber(account[1]) or 0, tonumber(account[2]) or 0, tonumber(account[3]) or 0
local amount, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
if amount + spent + withheld + held <= limit then
  redis.call('HINCRBY', KEYS[1], 'held', ARGV[2])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
  redis.call('SADD', KEYS[3], KEYS[1])
  return {}
end
local own, mine = 0, ARGV[4] .. ':'
local holds = redis.call('HGETALL', KEYS[2])
for i = 1, #holds, 2 do
  local amount = tonumber(holds[i + 1])
  if amount > 0 and string.sub(holds[i], 1, #mine) == mine then own = own + amount end
end
return {spent, withheld, own, held - own}
"""
"""``KEYS``: account, its holds, the accounts of the process. ``ARGV``: name, amount, limit, process.

Returns nothing, or what is spent, withheld, and held by this process and by others.
"""

SETTLE = """
local held = tonumber(redis.call('HGET', KEYS[2], ARGV[1]))
if not held and ARGV[6] == '1' then return 0 end
local amount, cost, limit = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if held then
  redis.call('HDEL', KEYS[2], ARGV[1])
  if held > 0 then
    redis.call('HINCRBY', KEYS[1], 'held', '-' .. ARGV[2])
  elseif held < 0 then
    redis.call('HINCRBY', KEYS[1], 'withheld', '-' .. ARGV[2])
  end
end
local counted = cost
if cost > amount then
  local account = redis.call('HMGET', KEYS[1], 'spent', 'withheld', 'held')
  local taken = (tonumber(account[1]) or 0) + (tonumber(account[2]) or 0) + (tonumber(account[3]) or 0)
  counted = math.min(cost, math.max(limit - taken, amount))
end
redis.call('HINCRBY', KEYS[1], 'spent', string.format('%.0f', counted))
if cost > counted then redis.call('HINCRBY', KEYS[1], 'excess', string.format('%.0f', cost - counted)) end
if ARGV[5] == '0' and amount > counted then
  redis.call('HINCRBY', KEYS[1], 'withheld', string.format('%.0f', amount - counted))
end
return 1
"""
"""``KEYS``: account, its holds. ``ARGV``: name, amount, cost, limit, 1 if certain, 1 if it may have been taken."""

ADMIT = """
local second = tonumber(redis.call('TIME')[1])
local oldest = second - tonumber(ARGV[4])
local rpm, tpm, tokens = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local counts, requests, used = redis.call('HGETALL', KEYS[1]), 0, 0
local found, old = {}, {}
for i = 1, #counts, 2 do
  local kind, at = string.sub(counts[i], 1, 1), tonumber(string.sub(counts[i], 2))
  if at < oldest then
    table.insert(old, counts[i])
  elseif kind == 'r' then
    requests = requests + tonumber(counts[i + 1])
  else
    used = used + tonumber(counts[i + 1])
  end
end
if #old > 0 then redis.call('HDEL', KEYS[1], unpack(old)) end
if (rpm and requests >= rpm) or (tpm and used + tokens > tpm) then return {second, counts} end
redis.call('HINCRBY', KEYS[1], 'r' .. second, 1)
redis.call('HINCRBY', KEYS[1], 't' .. second, ARGV[3])
redis.call('EXPIRE', KEYS[1], 2 * tonumber(ARGV[4]))
return {second}
"""
"""``KEYS``: the pace. ``ARGV``: requests and tokens that are allowed, or none; tokens; seconds of the window.

Returns the second, and, where it is refused, the requests (``r``) and tokens (``t``) of each second.
"""

CORRECT = """
local field = 't' .. ARGV[1]
local used = tonumber(redis.call('HGET', KEYS[1], field))
if used then
  redis.call('HSET', KEYS[1], field, string.format('%.0f', math.max(0, used + tonumber(ARGV[2]))))
end
"""
"""``KEYS``: the pace. ``ARGV``: the second, tokens."""

BEAT = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], ARGV[4] == '1' and 0 or now, ARGV[1])
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - tonumber(ARGV[2])))) do
  local accounts, mark = ARGV[3] .. dead, dead .. ':'
  for _, account in ipairs(redis.call('SMEMBERS', accounts)) do
    local names = account .. ':held'
    local holds = redis.call('HGETALL', names)
    for i = 1, #holds, 2 do
      if string.sub(holds[i], 1, #mark) == mark and tonumber(holds[i + 1]) > 0 then
        redis.call('HINCRBY', account, 'held', '-' .. holds[i + 1])
        redis.call('HINCRBY', account, 'withheld', holds[i + 1])
        redis.call('HSET', names, holds[i], '-' .. holds[i + 1])
      end
    end
  end
  redis.call('DEL', accounts)
  redis.call('ZREM', KEYS[1], dead)
end
"""
"""``KEYS``: the processes. ``ARGV``: this one, seconds of silence, the prefix of their accounts, 1 if it leaves.

Takes note that the process lives, and withholds what those that are silent have left.
"""
