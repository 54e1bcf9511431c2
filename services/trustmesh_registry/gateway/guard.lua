-- Refuses a JSON body that the contract does not describe: an unknown field, a field given twice, two members of one oneof,
-- or nesting without end. The transcoder drops the first, and lets the last value win in the others, in silence.
-- `messages[i]` lists the fields of one message type: {json name, proto name, type, oneof}, where type is 0 for whatever has no
-- fields of its own, i for messages[i] and -i for a map whose values are messages[i]; oneof is 0 for none.
local MAX_DEPTH = 32
-- Kinds of body that are no JSON value of a type: none at all, and bytes that pass unread.
local NONE, RAW = -1, -2
local SPACE, QUOTE, SLASH, OPEN, CLOSE, LIST, END, COMMA, COLON = 32, 34, 92, 123, 125, 91, 93, 44, 58
local byte, find, sub = string.byte, string.find, string.sub

local known = {}
for index, fields in ipairs(messages) do
  local names = {}
  for number, field in ipairs(fields) do
    local entry = { number = number, type = field[3], oneof = field[4] }
    names[field[1]], names[field[2]] = entry, entry
  end
  known[index] = names
end

local function refuse(field, description)
  error({ field = field, description = description }, 0)
end

local function skip_space(text, at)
  return find(text, "[^ \t\r\n]", at) or #text + 1
end

-- The content of the string that begins at `at` (escapes as written), and the position after it.
local function read_string(text, at, path)
  if byte(text, at) ~= QUOTE then
    refuse(path, "is not valid JSON")
  end
  local from = at + 1
  while true do
    local stop = find(text, '["\\]', from)
    if not stop then
      refuse(path, "is not valid JSON")
    end
    if byte(text, stop) == QUOTE then
      return sub(text, at + 1, stop - 1), stop + 1
    end
    from = stop + 2
  end
end

local read_value

local function read_object(text, at, kind, path, depth)
  local names = kind > 0 and known[kind] or nil
  local values = kind < 0 and -kind or 0
  local seen, oneofs = {}, {}
  at = skip_space(text, at + 1)
  if byte(text, at) == CLOSE then
    return at + 1
  end
  while true do
    local key
    key, at = read_string(text, at, path)
    local where = path == "" and key or path .. "." .. key
    local entry, inner, slot = nil, values, key
    if names then
      entry = names[key]
      if not entry then
        refuse(where, "is not a field of this request")
      end
      inner, slot = entry.type, entry.number
    end
    if seen[slot] then
      refuse(where, "is given twice")
    end
    seen[slot] = true
    at = skip_space(text, at)
    if byte(text, at) ~= COLON then
      refuse(where, "is not valid JSON")
    end
    at = skip_space(text, at + 1)
    if entry and entry.oneof ~= 0 and sub(text, at, at + 3) ~= "null" then
      if oneofs[entry.oneof] then
        refuse(where, "excludes " .. oneofs[entry.oneof])
      end
      oneofs[entry.oneof] = key
    end
    at = skip_space(text, read_value(text, at, inner, where, depth))
    local next = byte(text, at)
    if next == CLOSE then
      return at + 1
    elseif next ~= COMMA then
      refuse(path, "is not valid JSON")
    end
    at = skip_space(text, at + 1)
  end
end

local function read_list(text, at, kind, path, depth)
  at = skip_space(text, at + 1)
  if byte(text, at) == END then
    return at + 1
  end
  local index = 0
  while true do
    at = skip_space(text, read_value(text, at, kind, path .. "[" .. index .. "]", depth))
    index = index + 1
    local next = byte(text, at)
    if next == END then
      return at + 1
    elseif next ~= COMMA then
      refuse(path, "is not valid JSON")
    end
    at = skip_space(text, at + 1)
  end
end

function read_value(text, at, kind, path, depth)
  local first = byte(text, at)
  if first == OPEN or first == LIST then
    if depth == MAX_DEPTH then
      refuse(path, "is nested more than " .. MAX_DEPTH .. " levels deep")
    end
    local read = first == OPEN and read_object or read_list
    return read(text, at, kind, path, depth + 1)
  elseif first == QUOTE then
    local _, after = read_string(text, at, path)
    return after
  end
  local _, stop = find(text, "^[%w+.-]+", at)
  if not stop then
    refuse(path, "is not valid JSON")
  end
  return stop + 1
end

-- Raises {field, description} unless `text` is one JSON value of messages[kind].
function check(text, kind)
  local at = skip_space(text, read_value(text, skip_space(text, 1), kind, "", 0))
  if at <= #text then
    refuse("", "has something after its end")
  end
end

local function answer(handle, status, field, description)
  local metadata = handle:streamInfo():dynamicMetadata()
  metadata:set("trustmesh.guard", "field", field)
  metadata:set("trustmesh.guard", "description", description)
  handle:respond({ [":status"] = status }, field .. " " .. description)
end

-- The first field of the query that the path binds too, or that is not spelled plainly.
local function bound_twice(path, bound)
  local query = string.match(path, "%?([^#]*)") or ""
  for pair in string.gmatch(query, "[^&]+") do
    local key = string.match(pair, "^[^=]*")
    if find(key, "[^%w_.]") or find(bound, " " .. key .. " ", 1, true) then
      return key
    end
  end
end

local function examine(handle)
  -- For replies.py: the number of INVALID_ARGUMENT, which it cannot write itself.
  handle:streamInfo():dynamicMetadata():set("trustmesh.guard", "code", 3)
  local context = handle:filterContext()
  local key = bound_twice(handle:headers():get(":path"), context:get("bound"))
  if key then
    return answer(handle, "400", key, "is given by the path already, or is no field's name")
  end
  -- Envoy says so too, but not always: a body that fills its buffer while the limits are asked for stalls until the timeout.
  -- (Over HTTP/2 there are clients that see no answer before they could send everything.)
  local length = handle:headers():get("content-length")
  if length and handle:streamInfo():protocol() == "HTTP/1.1" and (tonumber(length) or 0) > tonumber(context:get("most")) then
    return handle:respond({ [":status"] = "413" }, "")
  end
  local kind = tonumber(context:get("body"))
  if kind == RAW then
    return
  end
  local body = handle:body()
  local size = body and body:length() or 0
  if size == 0 then
    return
  end
  if kind == NONE then
    return answer(handle, "400", "body", "must be empty for this method")
  end
  local media = handle:headers():get("content-type")
  if media and not find(string.lower(media) .. ";", "^application/json%s*;") then
    return handle:respond({ [":status"] = "415" }, "")
  end
  local fine, refusal = pcall(check, body:getBytes(0, size), kind)
  if not fine then
    if type(refusal) ~= "table" then
      error(refusal, 0)
    end
    answer(handle, "400", refusal.field == "" and "body" or refusal.field, refusal.description)
  end
end

-- Envoy lets a request pass when the script fails; this one does not.
function envoy_on_request(handle)
  local fine, problem = pcall(examine, handle)
  if not fine then
    handle:logErr(tostring(problem))
    handle:respond({ [":status"] = "500" }, "")
  end
end

-- What the transcoder could not make a message of it repeats in its answer, where a secret has no place: the field is enough.
function envoy_on_response(handle)
  local said = handle:streamInfo():dynamicMetadata():get("trustmesh.guard")
  if handle:headers():get(":status") ~= "400" or not said or said.field then
    return
  end
  local body = handle:body()
  local text = body and body:getBytes(0, body:length()) or ""
  local told, changed = string.gsub(text, 'invalid value .* for type [%w_./]+', "does not have the type of the field")
  if changed == 0 then
    told, changed = string.gsub(text, '("message":").*\\n.*%^"', '%1The body is not valid JSON."')
  end
  if changed > 0 then
    handle:headers():replace("content-length", tostring(body:setBytes(told)))
  end
end
