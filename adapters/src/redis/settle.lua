-- Corrects buckets once the truth of calls is known, as `corrected` in domain/src/limit.ts does.
--
-- KEYS: one bucket per spec. ARGV: limit and window (ms) of each spec; then per correction the number of
-- its spec (from 1) and the units to charge (positive) or give back (negative). Reply: server time as in reserve.lua.

local EPOCH_SECONDS = 1767225600 -- as in reserve.lua
local ceil, floor = math.ceil, math.floor

local time = redis.call('TIME')
local micros = (time[1] - EPOCH_SECONDS) * 1000000 + time[2]
local now = floor(micros / 1000000) * 1000 + (micros % 1000000) / 1000

local home, tats, perUnit, firstOf = {}, {}, {}, {}
local stored = redis.call('MGET', unpack(KEYS))
for spec = 1, #KEYS do
  local key = KEYS[spec]
  home[spec] = firstOf[key] or spec
  firstOf[key] = home[spec]
  tats[spec] = tonumber(stored[spec] or 0) or 0
  perUnit[spec] = tonumber(ARGV[2 * spec]) / tonumber(ARGV[2 * spec - 1])
end

local changed = {}
local at = 2 * #KEYS + 1
while at <= #ARGV do
  local spec = tonumber(ARGV[at])
  local bucket = home[spec]
  local tat = tats[bucket]
  tats[bucket] = (tat > now and tat or now) + tonumber(ARGV[at + 1]) * perUnit[spec]
  changed[bucket] = true
  at = at + 2
end

-- A TAT in the past is a full bucket, and a full bucket needs no key.
for spec in pairs(changed) do
  local ttl = ceil(tats[spec] - now)
  if ttl > 0 then
    redis.call('SET', KEYS[spec], string.format('%.17g', tats[spec]), 'PX', ttl)
  else
    redis.call('DEL', KEYS[spec])
  end
end
return micros
