-- Runs a batch of ledger operations in their order, each in one step; the rule is that of domain/src/ledger.ts,
-- the arithmetic in the same order, so that both give the same numbers.
--
-- KEYS: one pool per spec; then two per book: its open reservations (hash) and their leases (sorted set).
-- ARGV: one text of words, parted by spaces (one argument costs both sides a fraction of what many do; - is an
-- empty word): number of specs, number of books; per spec: kind, limit, window in ms; then the operations:
--   R book id tokens tokens-at-least lease-ms count, per claim: spec unit(1 tokens, 0 one) instead(0 refuse, -1 nothing, spec) quota
--     or, where money is asked for: spec 2 nanos-at-least nanos
--   S book id sent(1, 0) tokens quota     ends a reservation with the truth
--   P book id sent(1, 0) tokens quota nanos     the same where budgets count it
--   G book id lease-ms                    gives back what a call took, or will ask for when this overtook it
--   N book id tokens-at-least lease-ms nanos-at-least   a sign of life
--   X book                                ends what nobody came for
--   C book id lease-ms spec amount        charges without a reservation, once
--   B book                                says that what budgets of this book have spent is known from now on
--   V spec                                tells what a pool holds
--   H spec count books                    tells how much of a pool open reservations of these books hold
-- Reply, all integers: server time in microseconds since 2026; per R: the first claim that failed (from 0; -1:
-- admitted), the wait in ms (-1: no use), per claim what remains and the ms until whole; per V: those two; per H: one.
-- Of a budget what remains may be below zero, and in place of the time is 0, or -1 when it is not known.

local EPOCH_SECONDS = 1767225600 -- 2026-01-01T00:00:00Z: keeps a TAT short enough to hold its fraction
local NOISE_MS = 1e-3 -- as in bucket.ts
local SLOTS = 30 -- as in window.ts
local CONCURRENT_WAIT_MS = 1000 -- as in ledger.ts
local REAP_MAX = 500
local COUNT_TTL_MS = 86400000
local UNKNOWN_WAIT_MS, SPEND_KEPT_MS = 5000, 604800000 -- as in ledger.ts
local UNBOUNDED = 9000000000000000 -- as in reservation.ts
local BUCKET, WINDOW, CONCURRENT, SPEND = '0', '1', '2', '3'
local NANOS = '2'
local ceil, floor, max, min, huge = math.ceil, math.floor, math.max, math.min, math.huge
local call = redis.call

local time = call('TIME')
local micros = (time[1] - EPOCH_SECONDS) * 1000000 + time[2]
local now = floor(micros / 1000000) * 1000 + (micros % 1000000) / 1000

-- What pools hold, read at the first touch and written once at the end.
local tats, windows, counts, spends = {}, {}, {}, {}

-- What is no number, or nothing at all, counts as zero.
local function numberAt(key)
  local got = redis.pcall('GET', key)
  return type(got) == 'string' and tonumber(got) or 0
end

local function tatOf(key)
  local it = tats[key]
  if not it then
    it = { tat = numberAt(key) }
    tats[key] = it
  end
  return it
end

local function windowOf(key, span)
  local it = windows[key]
  if it then return it end
  local newest = floor(now / (span / SLOTS))
  it = { newest = newest, used = 0, last = -huge, slots = {}, changed = {}, passed = {}, span = span }
  local got = redis.pcall('HGETALL', key)
  if got.err then
    call('DEL', key)
    got = {}
  end
  for i = 1, #got, 2 do
    local slot, units = tonumber(got[i]), tonumber(got[i + 1])
    if slot >= newest - SLOTS then
      it.slots[slot] = units
      it.used = it.used + units
      if units > 0 and slot > it.last then it.last = slot end
    else
      it.passed[#it.passed + 1] = got[i]
    end
  end
  windows[key] = it
  return it
end

local function countOf(key)
  local it = counts[key]
  if not it then
    it = { count = numberAt(key) }
    counts[key] = it
  end
  return it
end

local function spendOf(key)
  local it = spends[key]
  if not it then
    it = { nanos = numberAt(key) }
    spends[key] = it
  end
  return it
end

-- A store that lost its memory lost this too; without it, what is not there may have been spent all the same.
local function epochKey(key) return string.match(key, '^[^{]*{[^}]*}') .. ':epoch' end
local epochs = {}
local function isKnown(key)
  local epoch = epochKey(key)
  if epochs[epoch] == nil then epochs[epoch] = call('EXISTS', epoch) == 1 end
  return epochs[epoch]
end

-- 0 when the units may be taken now, else how long to wait; -1 when waiting is no use.
local function waitFor(pool, amount)
  local limit = pool.limit
  if pool.kind == CONCURRENT then
    if limit == 0 then return -1 end
    return countOf(pool.key).count + amount <= limit and 0 or CONCURRENT_WAIT_MS
  end
  if pool.kind == SPEND then
    if limit == UNBOUNDED or amount == 0 then return 0 end
    if not isKnown(pool.key) then return UNKNOWN_WAIT_MS end
    return spendOf(pool.key).nanos + amount > limit and -1 or 0
  end
  if limit == 0 or amount > limit then return -1 end
  if pool.kind == BUCKET then
    local tat = tatOf(pool.key).tat
    local burst = max(ceil(limit / 4), amount)
    local wait = max(0, tat - now) - (burst - amount) * (pool.span / limit)
    return wait > NOISE_MS and wait or 0
  end
  local it = windowOf(pool.key, pool.span)
  local excess = it.used + amount - limit
  if excess <= 0 then return 0 end
  for slot = it.newest - SLOTS, it.newest do
    excess = excess - (it.slots[slot] or 0)
    if excess <= 0 then return (slot + SLOTS + 1) * (pool.span / SLOTS) - now end
  end
  return pool.span
end

-- Charges units (positive) or gives them back; `at` is when they were taken.
local function add(pool, amount, at)
  local key = pool.key
  if pool.kind == BUCKET then
    if pool.limit == 0 then return end
    local it = tatOf(key)
    it.tat = max(now, it.tat) + amount * (pool.span / pool.limit)
    it.changed = true
  elseif pool.kind == WINDOW then
    local it = windowOf(key, pool.span)
    local slot = floor(at / (pool.span / SLOTS))
    if slot < it.newest - SLOTS then return end
    local before = it.slots[slot] or 0
    local after = max(0, before + amount)
    it.slots[slot] = after
    it.used = it.used + after - before
    it.changed[slot] = true
    it.last = -huge
    for known, units in pairs(it.slots) do if units > 0 and known > it.last then it.last = known end end
  elseif pool.kind == SPEND then
    local it = spendOf(key)
    it.nanos = max(0, it.nanos + amount)
    it.span = pool.span
  else
    local it = countOf(key)
    it.count = max(0, it.count + amount)
    it.changed = true
  end
end

local function tell(pool, reply)
  local remaining, reset = 0, 0
  if pool.kind == BUCKET then
    if pool.limit > 0 then
      local behind = max(0, tatOf(pool.key).tat - now - NOISE_MS)
      remaining = max(0, floor(ceil(pool.limit / 4) - behind / (pool.span / pool.limit)))
      reset = ceil(behind)
    end
  elseif pool.kind == WINDOW then
    local it = windowOf(pool.key, pool.span)
    remaining = max(0, pool.limit - it.used)
    if it.last >= it.newest - SLOTS then reset = ceil((it.last + SLOTS + 1) * (pool.span / SLOTS) - now) end
  elseif pool.kind == SPEND then
    remaining = pool.limit - spendOf(pool.key).nanos
    reset = isKnown(pool.key) and 0 or -1
  else
    remaining = max(0, pool.limit - countOf(pool.key).count)
  end
  reply[#reply + 1] = remaining
  reply[#reply + 1] = reset
end

local words = {}
for word in string.gmatch(ARGV[1], '%S+') do words[#words + 1] = word end
local function quotaAt(at) return words[at] == '-' and '' or words[at] end

local specCount, bookCount = tonumber(words[1]), tonumber(words[2])
local specs = {}
for i = 1, specCount do
  local at = 3 * i
  specs[i] = { key = KEYS[i], kind = words[at], limit = tonumber(words[at + 1]), span = tonumber(words[at + 2]) }
end
local function bookOf(number)
  local at = specCount + 2 * tonumber(number)
  return KEYS[at - 1], KEYS[at]
end

-- Leases are sorted by the microsecond they end in: whole numbers cost Redis less than fractions.
-- A lease of an id without a reservation says that this was done: a call given back before its reservation came,
-- or a charge.
local function lease(leases, id, ms)
  call('ZADD', leases, string.format('%.0f', micros + ms * 1000), id)
end

-- Ends a reservation. `quota` nil: whatever it was bound to did serve; `tokens`, `nanos` nil: what was last known.
local function resolve(open, leases, id, sent, tokens, quota, nanos)
  local packed = call('HGET', open, id)
  if not packed then return end
  call('HDEL', open, id)
  call('ZREM', leases, id)
  local it = cmsgpack.unpack(packed)
  for i = 3, #it, 7 do
    local pool = { key = it[i], kind = it[i + 1], limit = it[i + 2], span = it[i + 3] }
    local amount, unit, bound = it[i + 4], it[i + 5], it[i + 6]
    local charged = 0
    if unit == NANOS then
      charged = sent and (nanos or bound) or 0
    elseif sent and pool.kind ~= CONCURRENT and (bound == '' or quota == nil or bound == quota) then
      charged = unit == '1' and (tokens or it[2]) or 1
    end
    if charged ~= amount then add(pool, charged - amount, it[1]) end
  end
end

-- Takes from a claim's pool, or from where it may take instead: nil and the pool (false: none), or the wait.
local function take(own, instead, amount)
  local wait = waitFor(own, amount)
  if wait == 0 then return nil, own end
  if instead == '0' then return wait end
  if instead == '-1' then
    if own.limit == 0 then return wait end
    return nil, false
  end
  local other = specs[tonumber(instead)]
  local waitThere = waitFor(other, amount)
  if waitThere == 0 then return nil, other end
  if wait < 0 then return waitThere end
  if waitThere < 0 then return wait end
  return min(wait, waitThere)
end

local function reserve(at, reply)
  local open, leases = bookOf(words[at])
  local id, tokens, atLeast = words[at + 1], tonumber(words[at + 2]), tonumber(words[at + 3])
  local leaseMs, count = tonumber(words[at + 4]), tonumber(words[at + 5])
  local first = at + 6
  local failed, longest = -1, 0
  if call('ZSCORE', leases, id) then
    if call('HEXISTS', open, id) == 0 then failed, longest = 0, -1 end
  else
    local record, undo = { now, atLeast }, {}
    for claim = 0, count - 1 do
      local place = first + 4 * claim
      local own, unit = specs[tonumber(words[place])], words[place + 1]
      local amount, instead, bound = unit == '1' and tokens or 1, words[place + 2], quotaAt(place + 3)
      if unit == NANOS then amount, instead, bound = tonumber(bound), '0', tonumber(instead) end
      local wait, pool = take(own, instead, amount)
      if wait then
        if failed < 0 then failed = claim end
        if wait < 0 or longest < 0 then longest = -1 else longest = max(longest, ceil(wait)) end
      elseif pool then
        undo[#undo + 1] = { pool, amount, pool.kind == BUCKET and tatOf(pool.key).tat }
        add(pool, amount, now)
        local filled = #record
        record[filled + 1], record[filled + 2], record[filled + 3] = pool.key, pool.kind, pool.limit
        record[filled + 4], record[filled + 5], record[filled + 6] = pool.span, amount, unit
        record[filled + 7] = bound
      end
    end
    if failed >= 0 then
      for i = #undo, 1, -1 do
        local pool, amount, tat = undo[i][1], undo[i][2], undo[i][3]
        if tat then tatOf(pool.key).tat = tat else add(pool, -amount, now) end
      end
    elseif #record > 2 then
      call('HSET', open, id, cmsgpack.pack(record))
      lease(leases, id, leaseMs)
    end
  end
  reply[#reply + 1] = failed
  reply[#reply + 1] = longest
  for claim = 0, count - 1 do tell(specs[tonumber(words[first + 4 * claim])], reply) end
  return first + 4 * count
end

-- Units held, by pool, in a book; each book is read once.
local heldIn = {}
local function heldOf(key, open)
  local held = heldIn[open]
  if not held then
    held = {}
    for _, packed in ipairs(call('HVALS', open)) do
      local it = cmsgpack.unpack(packed)
      for i = 3, #it, 7 do held[it[i]] = (held[it[i]] or 0) + it[i + 4] end
    end
    heldIn[open] = held
  end
  return held[key] or 0
end

local reply = { micros }
local at, last = 3 + 3 * specCount, #words
while at <= last do
  local op = words[at]
  if op == 'R' then
    at = reserve(at + 1, reply)
  elseif op == 'S' then
    local open, leases = bookOf(words[at + 1])
    resolve(open, leases, words[at + 2], words[at + 3] == '1', tonumber(words[at + 4]), quotaAt(at + 5), 0)
    at = at + 6
  elseif op == 'P' then
    local open, leases = bookOf(words[at + 1])
    local tokens, nanos = tonumber(words[at + 4]), tonumber(words[at + 6])
    resolve(open, leases, words[at + 2], words[at + 3] == '1', tokens, quotaAt(at + 5), nanos)
    at = at + 7
  elseif op == 'N' then
    local open, leases = bookOf(words[at + 1])
    local packed = call('HGET', open, words[at + 2])
    if packed then
      local it = cmsgpack.unpack(packed)
      it[2] = max(it[2], tonumber(words[at + 3])) -- news may overtake each other
      for i = 3, #it, 7 do
        if it[i + 5] == NANOS then it[i + 6] = max(it[i + 6], tonumber(words[at + 5])) end
      end
      call('HSET', open, words[at + 2], cmsgpack.pack(it))
      lease(leases, words[at + 2], tonumber(words[at + 4]))
    end
    at = at + 6
  elseif op == 'G' then
    local open, leases = bookOf(words[at + 1])
    local id = words[at + 2]
    if call('HEXISTS', open, id) == 1 then
      resolve(open, leases, id, false, 0, '')
    else
      lease(leases, id, tonumber(words[at + 3]))
    end
    at = at + 4
  elseif op == 'X' then
    local open, leases = bookOf(words[at + 1])
    local over = call('ZRANGEBYSCORE', leases, '-inf', string.format('%.0f', micros), 'LIMIT', 0, REAP_MAX)
    for i = 1, #over do
      resolve(open, leases, over[i], true, nil, nil)
      call('ZREM', leases, over[i])
    end
    at = at + 2
  elseif op == 'C' then
    local _, leases = bookOf(words[at + 1])
    local id, pool = words[at + 2], specs[tonumber(words[at + 4])]
    if pool.kind ~= CONCURRENT and not call('ZSCORE', leases, id) then
      add(pool, tonumber(words[at + 5]), now)
      lease(leases, id, tonumber(words[at + 3]))
    end
    at = at + 6
  elseif op == 'B' then
    local epoch = epochKey((bookOf(words[at + 1])))
    call('SET', epoch, string.format('%.0f', micros))
    epochs[epoch] = true
    at = at + 2
  elseif op == 'V' then
    tell(specs[tonumber(words[at + 1])], reply)
    at = at + 2
  elseif op == 'H' then
    local pool, count, held = specs[tonumber(words[at + 1])], tonumber(words[at + 2]), 0
    for i = 1, count do held = held + heldOf(pool.key, (bookOf(words[at + 2 + i]))) end
    reply[#reply + 1] = held
    at = at + 3 + count
  else
    return redis.error_reply('ERR no such ledger operation')
  end
end

-- A TAT in the past is a full bucket, and a full bucket needs no key.
for key, it in pairs(tats) do
  if it.changed then
    local ttl = ceil(it.tat - now)
    if ttl > 0 then call('SET', key, string.format('%.17g', it.tat), 'PX', ttl) else call('DEL', key) end
  end
end
for key, it in pairs(windows) do
  if next(it.changed) then
    for slot in pairs(it.changed) do call('HSET', key, string.format('%.0f', slot), string.format('%.0f', it.slots[slot])) end
    for i = 1, #it.passed do call('HDEL', key, it.passed[i]) end
    call('PEXPIRE', key, ceil(it.span * (SLOTS + 1) / SLOTS))
  end
end
for key, it in pairs(spends) do
  if it.span then call('SET', key, string.format('%.0f', it.nanos), 'PX', it.span + SPEND_KEPT_MS) end
end
for key, it in pairs(counts) do
  if it.changed then
    if it.count > 0 then call('SET', key, string.format('%.0f', it.count), 'PX', COUNT_TTL_MS) else call('DEL', key) end
  end
end
return reply
