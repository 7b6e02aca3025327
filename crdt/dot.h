// crdt/dot.h - the names of things: nodes, incarnations, datasets, streams, and single events (dots).
//
// A stream is what one (node, incarnation) writes into one (dataset, class). Its events are numbered 1, 2,
// 3, ... without reuse, so that a dot, (stream, number), names one event everywhere and for ever.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deltamesh {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

// 128 opaque bits; the tag keeps a node from being passed where an incarnation is meant. Ordered as bytes.
template <class Tag>
struct Id128 {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const Id128&, const Id128&) = default;
};
using NodeId = Id128<struct NodeTag>;              // One installation, for life.
using Incarnation = Id128<struct IncarnationTag>;  // A life of a store in which numbers do not repeat.
using FleetId = Id128<struct FleetTag>;            // The set of nodes that may sync.

// 32 lower-case hex digits, and back; nullopt unless there are exactly 32 hex digits.
std::string hex(std::span<const std::uint8_t, 16> bytes);
std::optional<std::array<std::uint8_t, 16>> parse_hex128(std::string_view text);

// A dataset is known between nodes by the XXH3 hash of its name; a node refuses two names with one hash.
enum class DatasetId : std::uint64_t {};
DatasetId dataset_id(std::string_view name);
// The same hash, for other things that get a number from their text.
std::uint64_t text_hash(std::string_view text);

enum class StreamClass : std::uint8_t { kMetric = 0, kAlarm = 1, kLog = 2 };

struct StreamId {
  DatasetId dataset{};
  StreamClass cls = StreamClass::kMetric;
  NodeId node;
  Incarnation incarnation;
  friend auto operator<=>(const StreamId&, const StreamId&) = default;
};

// The number of an event in its stream. The first is 1; 0 means "none".
using Seq = std::uint64_t;

struct Dot {
  StreamId stream;
  Seq seq = 0;
  friend auto operator<=>(const Dot&, const Dot&) = default;
};

}  // namespace deltamesh
