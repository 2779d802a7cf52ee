-- Judges a batch of calls, in their order; each call takes all its claims or none. The rule is that of
-- domain/src/limit.ts, the arithmetic in the same order, so that both give the same numbers.
--
-- KEYS: one bucket per spec. ARGV: limit and window (ms) of each spec; then per call: the number of its
-- claims, and for each the number of its spec (from 1) and the amount asked for.
-- Reply, all integers: server time in microseconds since 2026; then per call: the first claim that failed
-- (from 0; -1 admitted), the wait in ms (-1: waiting is no use), and per claim what remains and the ms until full.

local EPOCH_SECONDS = 1767225600 -- 2026-01-01T00:00:00Z: keeps a TAT short enough to hold its fraction
local NOISE_MS = 1e-3 -- as in limit.ts
local ceil, floor = math.ceil, math.floor

local time = redis.call('TIME')
local micros = (time[1] - EPOCH_SECONDS) * 1000000 + time[2]
local now = floor(micros / 1000000) * 1000 + (micros % 1000000) / 1000

-- A bucket may stand under two specs when its limit changed between two calls; its state is kept once.
local home, tats, changed = {}, {}, {}
local limit, perUnit, capacity = {}, {}, {}
local stored = redis.call('MGET', unpack(KEYS))
local firstOf = {}
for spec = 1, #KEYS do
  local key = KEYS[spec]
  home[spec] = firstOf[key] or spec
  firstOf[key] = home[spec]
  tats[spec] = tonumber(stored[spec] or 0) or 0
  limit[spec] = tonumber(ARGV[2 * spec - 1])
  perUnit[spec] = tonumber(ARGV[2 * spec]) / limit[spec]
  capacity[spec] = ceil(limit[spec] / 4)
end

-- Takes one claim if it passes: nil, or how long to wait (-1: for ever).
local function take(spec, amount)
  if limit[spec] == 0 or amount > limit[spec] then return -1 end
  local tat = tats[home[spec]]
  local unit = perUnit[spec]
  local burst = amount > capacity[spec] and amount or capacity[spec]
  local wait = (tat > now and tat - now or 0) - (burst - amount) * unit
  if wait > NOISE_MS then return ceil(wait) end
  tats[home[spec]] = (tat > now and tat or now) + amount * unit
  return nil
end

local reply = { micros }
local filled = 1
local at = 2 * #KEYS + 1
local last = #ARGV
while at <= last do
  local count = tonumber(ARGV[at])
  local failed, wait = -1, 0
  local before = {}
  for claim = 1, count do
    local spec = tonumber(ARGV[at + 2 * claim - 1])
    before[claim] = tats[home[spec]]
    local refused = take(spec, tonumber(ARGV[at + 2 * claim]))
    if refused then
      if failed < 0 then failed = claim - 1 end
      if refused < 0 or wait < 0 then wait = -1 elseif refused > wait then wait = refused end
    end
  end
  for claim = count, 1, -1 do
    local spec = home[tonumber(ARGV[at + 2 * claim - 1])]
    if failed < 0 then changed[spec] = true else tats[spec] = before[claim] end
  end
  reply[filled + 1] = failed
  reply[filled + 2] = wait
  filled = filled + 2
  for claim = 1, count do
    local spec = tonumber(ARGV[at + 2 * claim - 1])
    local remaining, reset = 0, 0
    if limit[spec] > 0 then
      local behind = tats[home[spec]] - now - NOISE_MS
      if behind < 0 then behind = 0 end
      remaining = floor(capacity[spec] - behind / perUnit[spec])
      if remaining < 0 then remaining = 0 end
      reset = ceil(behind)
    end
    reply[filled + 1] = remaining
    reply[filled + 2] = reset
    filled = filled + 2
  end
  at = at + 1 + 2 * count
end

for spec in pairs(changed) do
  local ttl = ceil(tats[spec] - now)
  if ttl > 0 then redis.call('SET', KEYS[spec], string.format('%.17g', tats[spec]), 'PX', ttl) end
end
return reply
