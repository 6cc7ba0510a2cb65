-- The rules of protocol/transaction/state.py. TRANSITIONS and GRACE_MS are put before this text.

local function effective_state(state, expires_at, redeem_until, now)
  if state == 'pending' and now >= tonumber(expires_at) then return 'expired' end
  if state == 'approved' and now >= tonumber(redeem_until or 0) then return 'expired' end
  return state
end

-- The next state, or nil and where the transaction stands.
local function advance(state, event, expires_at, redeem_until, now)
  local current = effective_state(state, expires_at, redeem_until, now)
  if event == 'expire' then
    if current == 'expired' and TRANSITIONS[state][event] then return 'expired', current end
    return nil, current
  end
  return TRANSITIONS[current][event], current
end

local function redeemable_until(expires_at, approved_at)
  return math.max(tonumber(expires_at), approved_at + GRACE_MS)
end

local function integer(number)
  return string.format('%d', number)
end

