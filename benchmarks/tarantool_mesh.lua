-- benchmarks/tarantool_mesh.lua - one instance of a mesh in which every node is a master.
--
-- tarantool tarantool_mesh.lua LISTEN CONTROL FOLDER NUMBER URI...: NUMBER names the writer of its rows, the URIs are
-- those of all instances, its own too. tarantool_commands.lua says how it is told what to do.
package.path = arg[0]:match('^.*/') .. '?.lua;' .. package.path
local listen, control, folder, number = arg[1], arg[2], arg[3], tonumber(arg[4])
local last_seq = 0

box.cfg{
  listen = '127.0.0.1:' .. listen,
  replication = {unpack(arg, 5)},
  work_dir = folder,
  memtx_memory = 64 * 1024 * 1024,
}
box.once('access', function() box.schema.user.grant('guest', 'replication') end)

local commands = {}

-- How many others this one replicates from.
function commands.upstreams()
  local count = 0
  for _, peer in pairs(box.info.replication) do
    if peer.upstream and peer.upstream.status == 'follow' then count = count + 1 end
  end
  return count
end

-- By one instance; the others get it from there.
function commands.create()
  local space = box.schema.space.create('telemetry', {format = {
    {'node', 'unsigned'}, {'seq', 'unsigned'}, {'time', 'unsigned'}, {'value', 'number'},
  }})
  space:create_index('primary', {parts = {'node', 'seq'}})
  return 0
end

function commands.rows()
  local space = box.space.telemetry
  return space and space.index.primary and space:len() or -1
end

-- One transaction of rows, each a time and a value.
function commands.insert(...)
  local columns = {...}
  box.begin()
  for i = 1, #columns, 2 do
    last_seq = last_seq + 1
    box.space.telemetry:insert{number, last_seq, tonumber64(columns[i]), tonumber(columns[i + 1])}
  end
  box.commit()
  return #columns / 2
end

require('tarantool_commands').take(control, commands)
