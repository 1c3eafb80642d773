-- The Lua code of macros.pyclink. The output of a function becomes the expansion of the macro that called it.
-- For readers who know rpm but not Lua: rpm.expand(TEXT) expands macros, rpm.define('NAME BODY') is %define, `..` joins
-- text, %S in a pattern is a non-blank character, and {} is a list.

local pyclink = {}

-- The expansion of a macro; '' if it is not defined.
local function value(name) return rpm.expand('%{?' .. name .. '}') end

-- Defines a macro. The body may be empty or have several lines; rpm's parser must not change it.
local function define(name, body)
  rpm.define(name .. ' %{nil}' .. body:gsub('\\', '\\\\'):gsub('\n', '\\\n'))
end

-- Quotes text for a shell.
local function quoted(text) return "'" .. text:gsub("'", [['"'"']]) .. "'" end

-- Shell code that logs a line.
local function echo(line) return 'echo ' .. quoted('pyclink: ' .. line) end

local function nothingBecause(reason) return echo('compiles nothing at the end of %install: ' .. reason) end

local hooks = value('pyclink_prefix') .. '/lib/rpm/pyclink/'

-- The unexpanded body of a macro; '' if it is not defined.
local function bodyOf(name) return rpm.expand('%{?' .. name .. ':%{macrobody:' .. name .. '}}') end

-- Whether a macro is on. Like rpm, reads Y and N as numbers, and other words as 0.
local function isOn(name)
  local text = value(name)
  if text:find('^[YyNn]') then return text:find('^[Yy]') ~= nil end
  return (tonumber(text) or 0) ~= 0
end

-- The variable with the time that rpm clamps mtimes to, if it does.
local function clampsTo()
  local policy = value('build_mtime_policy')
  if policy == '' and isOn('clamp_mtime_to_source_date_epoch') then policy = 'clamp_to_source_date_epoch' end
  return ({ clamp_to_source_date_epoch = 'SOURCE_DATE_EPOCH', clamp_to_buildtime = 'RPM_BUILD_TIME' })[policy]
end

-- Sets that time directly before a call of pyclink, because Fedora's own line removes the variable.
function pyclink.epoch()
  local variable = clampsTo()
  if variable then print('env SOURCE_DATE_EPOCH="${' .. variable .. '-}" ') end
end

-- Options of pyclink build. If rpm will clamp mtimes, sources must be clamped before they are compiled.
function pyclink.options()
  local words = {}
  local function add(word) words[#words + 1] = word end
  for level in value('pyclink_optimize'):gmatch('%S+') do add('-o ' .. level) end
  for glob in value('pyclink_exclude'):gmatch('%S+') do add('--exclude ' .. quoted(glob)) end
  if value('pyclink_manifest') ~= '' then add('--append --manifest ' .. quoted(value('pyclink_manifest'))) end
  if value('pyclink_filelist') ~= '' then add('--filelist ' .. quoted(value('pyclink_filelist'))) end
  local variable = clampsTo()
  add(variable and '${' .. variable .. ':+--mtime-policy=clamp}' or '--mtime-policy=keep')
  add(value('pyclink_options'))
  print(table.concat(words, ' '))
end

-- The prefix that turns a call of brp-python-bytecompile into one of pyclink. The call itself does not change, nor what
-- is before and after it.
local function prefix()
  local existing = isOn('pyclink_adds') and '' or '--existing '
  local options = existing .. rpm.expand('%{pyclink__lua options}') .. ' ' .. (existing == '' and value('pyclink_extra') or '')
  return rpm.expand('%{pyclink__lua epoch}') .. hooks .. 'brp-pyclink ' .. options:gsub('%s+$', '') .. ' -- '
end

-- Removes prefixes. Some may be older than the spec's settings.
local function unprefixed(text)
  local bare = (text .. ' '):gsub('%S*/pyclink/brp%-pyclink [^\n]- %-%- ', '')
  return bare:gsub('env SOURCE_DATE_EPOCH="?%${[%w_]+%-}"? ', ''):sub(1, -2)
end

local function isKnown(directory)
  for known in value('pyclink_replaces'):gmatch('%S+') do
    if known == directory then return true end
  end
  return directory == value('_rpmconfigdir') .. '/pyclink'
end

-- Replaces each script of this name in a text. Also returns the first script that pyclink may replace, and the first
-- that it does not know.
local function replaced(text, name, replacement)
  local known, unknown
  local word = '([^%s;|&()<>]*)/' .. name:gsub('%-', '%%-') .. '%f[%s;|&()<>\0]'
  local result = text:gsub(word, function(directory)
    local script = directory .. '/' .. name
    if not isKnown(directory) then
      unknown = unknown or script
      return nil
    end
    known = known or script
    return replacement(script)
  end)
  return result, known, unknown
end

local function withPyclink(text)
  local before = prefix()
  return replaced(unprefixed(text), 'brp-python-bytecompile', function(script) return before .. script end)
end

-- The script that compiles on this system, or else the name that old specs look for.
local function systemScript()
  local found = value('_rpmconfigdir') .. '/pyclink'
  for directory in value('pyclink_replaces'):gmatch('%S+') do
    local file = io.open(directory .. '/brp-python-bytecompile')
    if file then
      file:close()
      found = directory
    end
  end
  return found .. '/brp-python-bytecompile'
end

-- The system's call of the compiling step, or else one in the form of rpm's own.
local function systemCall()
  local call = value('pyclink__call')
  if call ~= '' then return call end
  local python = isOn('_python_bytecompile_extra') and value('__python') or ''
  return systemScript() .. ' "' .. python .. '" ' .. rpm.expand('"%{?_python_bytecompile_errors_terminate_build}" '
    .. '"%{?_python_bytecompile_extra}" "%{?_smp_build_ncpus:-j%{_smp_build_ncpus}}"')
end

local function isKeptOut() return not isOn('pyclink_auto_byte_compile') end

-- The expansion of %__brp_python_bytecompile, wherever a spec uses it.
function pyclink.step()
  local call = systemCall()
  if not isKeptOut() then
    print((withPyclink(call)))
  elseif not call:find('/pyclink/brp-python-bytecompile', 1, true) then
    print(call)
  end
end

-- Removes all definitions of a macro. Returns how many are macros.pyclink's, and the bodies and values of the others,
-- the newest first.
local function undefined(name)
  local own, bodies, values = 0, {}, {}
  while rpm.expand('%{?' .. name .. ':1}') == '1' do
    local body = bodyOf(name)
    if body:find('pyclink__', 1, true) then
      own = own + 1
    else
      bodies[#bodies + 1], values[#values + 1] = body, value(name)
    end
    rpm.expand('%undefine ' .. name)
  end
  return own, bodies, values
end

local debians = rpm.expand('%{_rpmconfigdir}/brp-python-bytecompile')
local install, auto, step = '__os_install_post', 'py_auto_byte_compile', '__brp_python_bytecompile'

-- Moves macros.pyclink's definition of the step before that of the system if the latter was read later, and keeps what
-- that one calls. Any other definition is the spec's, and stays the newest.
local function adoptStep()
  local isOwnNewest = bodyOf(step):find('pyclink__', 1, true) ~= nil
  if isOwnNewest and value('pyclink__call') ~= '' then return end
  local own, bodies, values = undefined(step)
  local first = values[1] or ''
  local _, known = replaced(first, 'brp-python-bytecompile', function(script) return script end)
  local isSystems = bodies[1] and (isOwnNewest or (known and unprefixed(first) == first))
  local function defineOwn()
    for _ = 1, own do define(step, '%{pyclink__lua step}') end
  end
  if isSystems then define('pyclink__call', bodies[1]) else defineOwn() end
  for i = #bodies, 1, -1 do define(step, bodies[i]) end
  if isSystems then defineOwn() end
end

-- Adds the wiring to the start of the %install script, after its #! line, once. Specs redefine %__spec_install_pre, but
-- not the template that contains it.
function pyclink.prepare()
  local name = '__spec_install_template'
  local body = bodyOf(name)
  local first = body:match('^#![^\n]*\n') or ''
  if not body:find('pyclink__lua wire', 1, true) then
    define(name, first .. '%{pyclink__lua wire}' .. body:sub(#first + 1))
  end
  adoptStep()
end

-- Whether the platform file defines a macro. That of Debian's rpm before 6 defines the step, but does not call it.
local function platformDefines(name)
  local file = io.open(rpm.expand('%{_rpmconfigdir}/platform/%{_target}/macros'))
  local text = file and file:read('a') or ''
  if file then file:close() end
  return ('\n' .. text):find('\n%%' .. name .. '%s') ~= nil
end

-- Whether a call was pyclink's when the spec was read, or is that of a platform file that does not use it.
local function isOwnCall(call)
  return unprefixed(call) ~= call or call:find(debians, 1, true) ~= nil
end

-- What the spec and the system say about the compiling step. Afterwards only their own definitions remain.
local function settings()
  local _, loads = undefined('pyclink__loaded')
  local ownAuto, autos = undefined(auto)
  local own, _, calls = undefined(step)

  -- A probe instead of the step shows which of the two macros the steps at the end of %install use.
  local function hasProbe() return value(install):find('pyclink-probe', 1, true) ~= nil end
  rpm.define(step .. ' pyclink-probe')
  local withoutAuto = hasProbe()
  rpm.define(auto .. ' 1')
  local asksForStep = hasProbe()
  rpm.expand('%undefine ' .. step)
  if calls[1] then define(step, calls[1]:gsub('%%', '%%%%')) end

  local asksForAuto = asksForStep and not withoutAuto
  local isAutoOff = ownAuto < #loads or (asksForAuto and #autos == 0)
  if isAutoOff then rpm.expand('%undefine ' .. auto) end
  local isUncalled = false
  for _, call in ipairs(calls) do isUncalled = isUncalled or not (asksForStep or isOwnCall(call)) end
  return {
    call = calls[1],
    isAutoOff = isAutoOff,
    isUndefined = own < #loads or (not calls[1] and (asksForStep or platformDefines(step))),
    isUncalled = isUncalled
  }
end

-- The lines of the steps at the end of %install, with pyclink instead of the scripts that it knows. Also returns the
-- compiling script among them, and the first unknown script.
local function rewrittenSteps(text, set)
  local lines, compiler, unknown, links = {}, nil, nil, false
  for line in text:gmatch('[^\n]*%S[^\n]*') do
    if isKeptOut() then
      line = unprefixed(line)
      if line:find('/pyclink/brp-python-bytecompile', 1, true) then line = '' end
    else
      local isOff = set.isAutoOff or set.isUndefined
      local bare = unprefixed(line)
      local new, script, other = withPyclink(line)
      local _, linker = replaced(line, 'brp-python-hardlink', function(name) return name end)
      unknown = unknown or other
      compiler = compiler or script
      links = links or linker ~= nil
      line = isOff and replaced(bare, 'brp-python-bytecompile', function() return 'true' end) or new
      line = replaced(line, 'brp-python-hardlink', function() return hooks .. 'brp-pyclink-hardlink' end)
      if script and not isOff then line = echo('replaces ' .. script) .. '\n' .. line end
    end
    lines[#lines + 1] = line
  end
  return lines, compiler, unknown, links
end

-- Why pyclink does not compile at the end of %install; nil if it does.
local function reasonAgainst(set, lines, compiler, unknown)
  if isKeptOut() then return '%pyclink_auto_byte_compile is 0' end
  if set.isAutoOff then return '%py_auto_byte_compile is not defined' end
  if set.isUndefined then return '%__brp_python_bytecompile is not defined' end
  if unknown then return unknown .. ' has its own conventions (see %pyclink_replaces)' end
  if compiler then return nil end
  if #lines == 0 then return '%__os_install_post is empty' end
  if set.call and not set.call:find('/brp-python-bytecompile', 1, true) then
    return '%__brp_python_bytecompile is "' .. set.call:gsub('^%s+', '') .. '"'
  end
  if set.isUncalled then return '%__os_install_post does not call %__brp_python_bytecompile' end
end

-- The macro with the steps at the end of %install, or the reason why pyclink cannot change them. A spec that defines
-- %__spec_install_post with %global contains the steps themselves.
local function macroOfSteps()
  local post = '__spec_install_post'
  if bodyOf(post):find(install, 1, true) then return install end
  local text = value(post)
  local hasAll, hasAny = true, text:find('/brp-python-bytecompile', 1, true) ~= nil
  for line in unprefixed(value(install)):gmatch('%S[^\n]*') do
    hasAll = hasAll and text:find(line, 1, true) ~= nil
  end
  if hasAny or (hasAll and text:find('%S')) then return post end
  return install, '%' .. post .. ' does not call %' .. install
end

-- Rewrites the steps at the end of %install: pyclink replaces those that compile and link, or is added to them.
local function rewrite()
  local set = settings()
  local name, reason = macroOfSteps()
  local lines, compiler, unknown, links = rewrittenSteps(value(name), set)
  local isCut = reason ~= nil
  reason = reason or reasonAgainst(set, lines, compiler, unknown)
  if reason then
    local assignment = 'pyclink_nothing=' .. quoted(reason) .. '\n'
    define('__spec_check_pre', assignment:gsub('%%', '%%%%') .. bodyOf('__spec_check_pre'))
  end
  if isCut then
    print(nothingBecause(reason) .. '\n')
  elseif reason then
    table.insert(lines, 1, nothingBecause(reason))
  elseif not compiler then
    local knob = isOn('pyclink_adds') and 'set %pyclink_adds to 0 to add no files' or 'it adds no files'
    lines[#lines + 1] = echo('added to the steps at the end of %install; ' .. knob)
    lines[#lines + 1] = withPyclink(set.call or systemCall())
    if not links then lines[#lines + 1] = hooks .. 'brp-pyclink-hardlink' end
  end
  define(name, '\n' .. table.concat(lines, '\n'):gsub('%%', '%%%%'))
end

-- %pyclink_verify. By then $pyclink_nothing contains the reason if pyclink compiled nothing; %py_byte_compile may have.
function pyclink.verify()
  local manifest = quoted(value('pyclink_manifest'))
  if manifest == "''" then return print(echo('nothing to verify: %pyclink_manifest is empty') .. ' #') end
  local isNothing = '[ -n "${pyclink_nothing-}" ] && [ ! -e ' .. manifest .. ' ]'
  local verify = value('pyclink_prefix') .. '/bin/pyclink verify --manifest ' .. manifest
  print(isNothing .. ' && echo "pyclink: nothing to verify: $pyclink_nothing" || '
    .. verify .. ' "' .. rpm.expand('%{buildroot}') .. '"')
end

local knobs = { 'auto_byte_compile', 'optimize', 'extra', 'exclude', 'manifest', 'filelist', 'options', 'adds', 'replaces' }

-- Finds macros whose names differ from a pyclink macro by one letter: `optimise`.
local function misspelled()
  local words = {}
  for _, knob in ipairs(knobs) do
    local function ask(start, letter, rest)
      local name = 'pyclink_' .. start .. letter .. rest
      if start .. letter .. rest ~= knob then
        words[#words + 1] = '%{?' .. name .. ':' .. name .. ' pyclink_' .. knob .. ' }'
      end
    end
    for i = 1, #knob + 1 do
      ask(knob:sub(1, i - 1), '', knob:sub(i + 1))
      for letter in ('abcdefghijklmnopqrstuvwxyz_'):gmatch('.') do
        ask(knob:sub(1, i - 1), letter, knob:sub(i))
        ask(knob:sub(1, i - 1), letter, knob:sub(i + 1))
      end
    end
  end
  return rpm.expand(table.concat(words))
end

-- Checks the settings and logs problems, before anything else.
local function checkKnobs()
  local said = {}
  for name, knob in misspelled():gmatch('(%S+) (%S+)') do
    if not said[name] then print(echo('warning: %' .. name .. ' is not a pyclink macro: did you mean %' .. knob .. '?') .. ' >&2\n') end
    said[name] = true
  end
  local manifest = value('pyclink_manifest')
  if manifest:find('^[^/]') then
    print(echo('error: %pyclink_manifest: takes an absolute path, not ' .. manifest) .. ' >&2; exit 2\n')
  end
end

-- The output becomes the start of the %install script.
function pyclink.wire()
  if value('pyclink__wired') ~= '' then return end
  rpm.define('pyclink__wired 1')
  checkKnobs()
  -- Removes the manifest of an earlier build.
  if value('pyclink_manifest') ~= '' then os.remove(value('pyclink_manifest')) end
  -- rpm continues after a Lua error.
  local isDone, message = pcall(rewrite)
  if not isDone then print(echo('error: ' .. message) .. ' >&2; exit 70\n') end
end

return pyclink
