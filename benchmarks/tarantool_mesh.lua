-- benchmarks/tarantool_mesh.lua - one instance of a mesh in which every node is a master.
--
-- tarantool tarantool_mesh.lua NUMBER LISTEN CONTROL FOLDER URI...: NUMBER names the writer of its rows, the URIs are
-- those of all instances, its own too. At 127.0.0.1:CONTROL it takes one command a line and answers each with a line.
local number, listen, control, folder = tonumber(arg[1]), arg[2], tonumber(arg[3]), arg[4]
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

require('socket').tcp_server('127.0.0.1', control, function(client)
  local line = client:read('\n')
  while line ~= nil and line ~= '' do
    local words = line:split()
    local _, answer = pcall(commands[words[1]], unpack(words, 2))
    client:write(tostring(answer) .. '\n')
    line = client:read('\n')
  end
end)
