// engine/sqlite/store_rows.h - all that a store holds, as values one after another, in one order.
//
// The order is that of RowPlace, so that equal stores give equal rows, and each row is there once. What only
// this file means, such as the small integers of streams, is no part of them; what a store keeps for itself,
// such as the order in which blocks came, is. A new store is made of them by store_maker.h.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>

#include "engine/sqlite/rows.h"
#include "engine/sqlite/schema.h"
#include "engine/store.h"

namespace deltamesh::sqlite {

// One of those that a store has had, with the reason for which it began.
struct NotedIncarnation {
  Incarnation incarnation;
  std::string reason;
};

// A write of a key: at place 0 the latest, behind it those in conflict with it, the latest first.
struct PlacedEntry {
  MapWrite write;
  std::uint32_t place = 0;
};

struct SurfacedWrite {
  MapWrite write;
};

// Numbers ascend in the order in which blocks came; those of ArrivalRow are of the same kind.
struct NumberedBlock {
  std::uint64_t number = 0;
  StoredBlock block;
};

// In the order in which they come, but that a mark of arrivals stands before the first block that came after
// it. A series without a name is one that blocks use and nobody has declared here.
using StoreRow =
    std::variant<Meta, NotedIncarnation, StreamId, Knowledge::Entry, StreamSeries, PlacedEntry, StoredFloor,
                 SurfacedWrite, TierAck, BootOffset, OwnBoot, ArrivalRow, NumberedBlock>;

// Where a row stands. Incarnations come in the order of their lives and have no place among each other.
struct RowPlace {
  std::size_t kind = 0;
  bool acked = false;  // Of what tiers said: whose life is over comes first.
  Identity acker;
  DatasetId dataset{};
  std::string key;
  StreamId stream;
  std::uint64_t number = 0;
  bool block = false;
  friend auto operator<=>(const RowPlace&, const RowPlace&) = default;
};
RowPlace place_of(const StoreRow& row);

// Runs of dots that one floor of a map may name. More: a made-up one fills memory. Fewer: a map of many
// writers has no room.
inline constexpr std::size_t kFloorRunsMax = 1u << 20;

// What a row alone can break: bounds, names, forms. Into blocks it does not look.
Status check_row(const StoreRow& row);

// Calls `visit` for each row of the store at `path`, of one state of it, also while a node writes it. Each
// has passed its checksum and check_row(). Ends at the first error, also at one that `visit` returns. Memory
// does not grow with blocks, entries and series. kIo if a node is started on a store that lay still.
Status visit_rows(const std::string& path, const std::function<Status(StoreRow)>& visit);

}  // namespace deltamesh::sqlite
