// engine/sqlite/fence.h - the node's name in a file beside the database, for the day on which that is lost.
//
// A new database beside it is the same node's, in a new incarnation. Format: docs/formats/fence.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crdt/dot.h"
#include "crdt/result.h"

namespace deltamesh::sqlite {

std::string encode_fence(const NodeId& node);
Result<NodeId> decode_fence(std::string_view text);

// nullopt if there is none, or none that can be read: then `why` says what is wrong with it. A fence of a
// newer version is an error.
Result<std::optional<NodeId>> load_fence(const std::string& path, std::string& why);
// A crash leaves the old fence or the new one.
Status save_fence(const std::string& path, const NodeId& node, bool sync);

// Gives the name to a store that is not there yet: it will be that node's, in an incarnation of its own, as
// if its database had been lost. Refuses where there is a store, or a fence with another name (kInvalid), or
// one that cannot be read.
Status adopt_node(const std::string& store, const NodeId& node);

}  // namespace deltamesh::sqlite
