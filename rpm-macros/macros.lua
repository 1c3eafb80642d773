-- The Lua of macros.pyclink. What a function prints becomes the expansion of the macro that called it.
--
-- For readers who know rpm and not Lua: rpm.expand(TEXT) expands macros, rpm.define('NAME BODY') is %define,
-- `..` joins text, %S in a pattern is a character that is not a blank, and {} is a list.

local pyclink = {}

-- The expansion of a macro; '' if it is not defined.
local function value(name) return rpm.expand('%{?' .. name .. '}') end

-- Defines a macro with a body that may be empty, or have several lines, and that rpm's parser is not to change.
local function define(name, body)
  rpm.define(name .. ' %{nil}' .. body:gsub('\\', '\\\\'):gsub('\n', '\\\n'))
end

-- Text for a shell, in single quotes.
local function quoted(text) return "'" .. text:gsub("'", [['"'"']]) .. "'" end

-- A log line of the %install script.
local function echo(line) return 'echo ' .. quoted('pyclink: ' .. line) end

local function nothingBecause(reason) return echo('compiles nothing at the end of %install: ' .. reason) end

local hooks = value('pyclink_prefix') .. '/lib/rpm/pyclink/'

-- Which time rpm clamps mtimes to, if it clamps any.
local function clampsTo()
  local policy = value('build_mtime_policy')
  if policy == '' and value('clamp_mtime_to_source_date_epoch'):find('[^0]') then policy = 'clamp_to_source_date_epoch' end
  return ({ clamp_to_source_date_epoch = 'SOURCE_DATE_EPOCH', clamp_to_buildtime = 'RPM_BUILD_TIME' })[policy]
end

-- Comes directly before a call of pyclink, so that it knows that time: Fedora's own line takes the variable away.
function pyclink.epoch()
  local variable = clampsTo()
  if variable then print('env SOURCE_DATE_EPOCH="${' .. variable .. '-}" ') end
end

-- Options of pyclink build. If rpm is going to clamp mtimes, sources have to be clamped before they are compiled.
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

-- Puts the wiring before %__spec_install_pre, once.
function pyclink.prepare()
  local body = rpm.expand('%{macrobody:__spec_install_pre}')
  if not body:find('pyclink__lua wire', 1, true) then define('__spec_install_pre', '%{pyclink__lua wire}' .. body) end
end

-- Takes away all definitions of a macro. Returns how many are macros.pyclink's, and the values of the others, the
-- newest first.
local function undefined(name)
  local own, others = 0, {}
  while rpm.expand('%{?' .. name .. ':1}') == '1' do
    if value(name):find('^marked') then own = own + 1 else others[#others + 1] = value(name) end
    rpm.expand('%undefine ' .. name)
  end
  return own, others
end

-- The word of a line that is a script of this name, and whether pyclink may take its place.
local function scriptIn(line, name)
  local script = (line .. ' '):match('(%S*/' .. name:gsub('%-', '%%-') .. ')%s')
  local directory = script and script:sub(1, -#name - 2)
  local isKnown = false
  for known in value('pyclink_replaces'):gmatch('%S+') do isKnown = isKnown or known == directory end
  return script, isKnown
end

-- A line with one word in the place of another.
local function replaced(line, word, other)
  local from, to = line:find(word, 1, true)
  return line:sub(1, from - 1) .. other .. line:sub(to + 1)
end

-- The step that compiles, from a call of brp-python-bytecompile: the same call with pyclink in the place of the script,
-- and options of pyclink build behind it.
local function compileStep(call, script)
  local words = replaced(call, script, rpm.expand('%{pyclink__lua epoch}') .. hooks .. 'brp-pyclink')
  local options = rpm.expand('%{pyclink__lua options}') .. ' ' .. value('pyclink_extra')
  return words:gsub('%s+%-%- .*$', ''):gsub('%s+$', '') .. ' -- ' .. options
end

-- Debian's rpm before 6 defines the step in its platform file, but does not call it. Whether the platform file does so.
local function platformDefines(name)
  local file = io.open(rpm.expand('%{_rpmconfigdir}/platform/%{_target}/macros'))
  local text = file and file:read('a') or ''
  if file then file:close() end
  return ('\n' .. text):find('\n%%' .. name .. '%s') ~= nil
end

local debians = rpm.expand('%{_rpmconfigdir}/brp-python-bytecompile')
local install, auto, step = '__os_install_post', 'py_auto_byte_compile', '__brp_python_bytecompile'

-- What the spec and the system say about the step that compiles. Afterwards only their own definitions are left.
local function settings()
  rpm.define('pyclink__mark marked')
  local _, loads = undefined('pyclink__loaded')
  local ownAuto, autos = undefined(auto)
  local ownStep, calls = undefined(step)
  rpm.expand('%undefine pyclink__mark')

  -- A word in the place of the step shows which of the two macros the steps that end %install ask for.
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
  return {
    isKeptOut = not value('pyclink_auto_byte_compile'):find('[^0]'),
    call = calls[1],
    isAutoOff = isAutoOff,
    isUndefined = ownStep < #loads or (not calls[1] and (asksForStep or platformDefines(step))),
    -- It is there to be called, but nothing calls it, unlike Debian's.
    isUncalled = calls[1] and not asksForStep and scriptIn(calls[1], 'brp-python-bytecompile') ~= debians
  }
end

-- The lines of the steps that end %install, with pyclink in the place of the scripts that it knows; which script that
-- compiles was among them; and which one that it does not know.
local function rewrittenSteps(set)
  local lines, compiler, unknown, links = {}, nil, nil, false
  for line in value(install):gmatch('[^\n]*%S[^\n]*') do
    local script, isKnown = scriptIn(line, 'brp-python-bytecompile')
    local linker, isKnownLinker = scriptIn(line, 'brp-python-hardlink')
    -- Where the spec has expanded the steps, macros.pyclink's own definition may be in the place of the system's.
    local isOwn = script == value('_rpmconfigdir') .. '/pyclink/brp-python-bytecompile'
    if isOwn and set.call then
      line = set.call
      script, isKnown = scriptIn(line, 'brp-python-bytecompile')
    end
    if set.isKeptOut then
      if isOwn and not set.call then line = '' end
    elseif script and (isKnown or (isOwn and not set.call)) then
      compiler = script
      local isOff = set.isAutoOff or set.isUndefined
      line = isOff and '' or echo('takes the place of ' .. script) .. '\n' .. compileStep(line, script)
    elseif script then
      unknown = script
    elseif linker and isKnownLinker then
      links = true
      line = replaced(line, linker, hooks .. 'brp-pyclink-hardlink')
    end
    lines[#lines + 1] = line
  end
  return lines, compiler, unknown, links
end

-- Why pyclink does not compile at the end of %install; nil if it does.
local function reasonAgainst(set, lines, compiler, unknown)
  if set.isKeptOut then return '%pyclink_auto_byte_compile is 0' end
  if set.isAutoOff then return '%py_auto_byte_compile is not defined' end
  if set.isUndefined then return '%__brp_python_bytecompile is not defined' end
  if unknown then return unknown .. ' has conventions of its own (see %pyclink_replaces)' end
  if compiler then return nil end
  if #lines == 0 then return '%__os_install_post is empty' end
  if set.call and not scriptIn(set.call, 'brp-python-bytecompile') then
    return '%__brp_python_bytecompile is "' .. set.call:gsub('^%s+', '') .. '"'
  end
  if set.isUncalled then return '%__os_install_post does not call %__brp_python_bytecompile' end
end

-- Rewrites the steps that end %install: pyclink takes the place of those that compile and link, or is added to them.
local function rewrite()
  local own = value(step)
  local set = settings()
  local lines, compiler, unknown, links = rewrittenSteps(set)
  local reason = reasonAgainst(set, lines, compiler, unknown)
  if reason then
    table.insert(lines, 1, nothingBecause(reason))
  elseif not compiler then
    local call = set.call or own
    lines[#lines + 1] = echo('added to the steps at the end of %install')
    lines[#lines + 1] = compileStep(call, scriptIn(call, 'brp-python-bytecompile'))
    if not links then lines[#lines + 1] = hooks .. 'brp-pyclink-hardlink' end
  end
  define(install, '\n' .. table.concat(lines, '\n'):gsub('%%', '%%%%'))

  local post = '__spec_install_post'
  if not rpm.expand('%{macrobody:' .. post .. '}'):find(install, 1, true) then
    print(nothingBecause('%' .. post .. ' does not call %' .. install) .. '\n')
  end
end

-- Comes before %__spec_install_pre: what is printed begins the %install script.
function pyclink.wire()
  if value('pyclink__wired') ~= '' then return end
  rpm.define('pyclink__wired 1')
  -- What an earlier build linked.
  if value('pyclink_manifest') ~= '' then os.remove(value('pyclink_manifest')) end
  -- rpm goes on after an error in Lua.
  local isDone, message = pcall(rewrite)
  if not isDone then print(echo('error: ' .. message) .. ' >&2; exit 70\n') end
end

return pyclink
