-- benchmarks/peers/tarantool_pair.lua - one of two Tarantools that are masters of one another.
--
-- tarantool tarantool_pair.lua LISTEN CONTROL FOLDER WAL_MODE [URI]: with a URI, it joins the instance there, or goes
-- on where it was with it. tarantool_commands.lua says how it is told what to do.
package.path = arg[0]:match('^.*/') .. '../?.lua;' .. package.path
local listen, control, folder, wal_mode = arg[1], arg[2], arg[3], arg[4]

box.cfg{
  listen = '127.0.0.1:' .. listen,
  replication = {unpack(arg, 5)},
  work_dir = folder,
  wal_mode = wal_mode,
  memtx_memory = 2 * 1024 * 1024 * 1024,
}

local commands = {}

-- A row a reading. `session` and `counter` say who wrote it, so that no two masters ever write the same key.
function commands.create()
  box.schema.user.grant('guest', 'replication')
  local space = box.schema.space.create('telemetry', {format = {
    {'series', 'unsigned'}, {'time', 'unsigned'}, {'session', 'unsigned'}, {'counter', 'unsigned'}, {'value', 'number'},
  }})
  space:create_index('primary', {parts = {'series', 'time', 'session', 'counter'}})
  return 0
end

-- From a file of lines `SERIES,TIME,VALUE,...`; a line is a transaction, as a message of a device would be.
function commands.fill(file)
  local counter = 0
  for line in io.lines(file) do
    local columns = line:split(',')
    box.begin()
    for i = 3, #columns do
      if columns[i] ~= '' then
        counter = counter + 1
        box.space.telemetry:insert{
          tonumber(columns[1]) + i - 3, tonumber(columns[2]), 1, counter, tonumber(columns[i])}
      end
    end
    box.commit()
  end
  return counter
end

function commands.rows()
  return box.space.telemetry:len()
end

-- How many transactions' rows, of whichever master, are in its log.
function commands.logged()
  return tonumber(box.info.signature)
end

function commands.follow(uri)
  box.cfg{replication = {uri}}
  return 0
end

require('tarantool_commands').take(control, commands)
