// engine/stream_table.h - small dense numbers for the streams that a node has met in this run.
//
// A StreamId has 41 bytes; with its number, per-session state is a flat vector instead of a tree a session.
// The numbers mean nothing outside this process.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "crdt/dot.h"

namespace deltamesh {

using StreamIx = std::uint32_t;

class StreamTable {
 public:
  // The number of `stream`, new if it was not met before. The caller bounds size().
  StreamIx intern(const StreamId& stream) {
    const auto [it, added] = index_.try_emplace(stream, static_cast<StreamIx>(streams_.size()));
    if (added) streams_.push_back(stream);
    return it->second;
  }
  [[nodiscard]] std::optional<StreamIx> find(const StreamId& stream) const {
    const auto it = index_.find(stream);
    return it == index_.end() ? std::nullopt : std::optional(it->second);
  }
  [[nodiscard]] const StreamId& operator[](StreamIx ix) const { return streams_[ix]; }
  [[nodiscard]] std::size_t size() const { return streams_.size(); }

 private:
  std::map<StreamId, StreamIx> index_;
  std::vector<StreamId> streams_;
};

}  // namespace deltamesh
