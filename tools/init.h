// tools/init.h - `sync-node init`: a first settings file for a role, with comments.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/dot.h"
#include "crdt/result.h"

namespace deltamesh {

enum class Role : std::uint8_t { kGateway, kDevice, kCloud };

// What is empty gets the role's default. The defaults of the three roles fit together on one machine: the
// gateway dials the cloud, the device dials the gateway.
struct InitOptions {
  Role role = Role::kGateway;
  FleetId fleet;
  std::string store;
  std::vector<std::string> listen;
  std::vector<std::string> peers;
  std::string api;
  std::string broker;     // Of a gateway.
  std::string client_id;  // Of a gateway, at the broker: one that no other gateway has. No default.
};

// The text of the file. Every value is one that parse_settings() takes, if those given are.
std::string settings_text(const InitOptions& options);

// Gateways of one fleet may share a broker, so the name has digits that nobody else has.
Result<std::string> random_client_id();
// A fleet that nobody else has.
Result<FleetId> random_fleet();
// Writes a file that must not exist yet.
Status write_new_file(const std::string& path, std::string_view text);

}  // namespace deltamesh
