-- benchmarks/tarantool_commands.lua - takes one command a line at a loopback port and answers each with a line.
local function take(port, commands)
  require('socket').tcp_server('127.0.0.1', tonumber(port), function(client)
    local line = client:read('\n')
    while line ~= nil and line ~= '' do
      local words = line:split()
      local _, answer = pcall(commands[words[1]], unpack(words, 2))
      client:write(tostring(answer) .. '\n')
      line = client:read('\n')
    end
  end)
end

return {take = take}
