// engine/map_ranges.h - a map in the order of its keys, with the sum of any range of them at hand.
//
// The sum of a range is the number of its live entries and the sum modulo 2^128 of their fingerprints
// (crdt/fingerprint.h): equal for equal live entries, whatever was removed on the way. Each entry is hashed
// once, when it is taken; runs of up to 128 neighbours keep their sum, so that a range of a map of a million
// keys costs a look at ten thousand runs. Runs are cut by their number of entries and not by their keys: no
// choice of keys makes one long. It takes about 32 bytes an entry, and holds a pointer into the map.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/lww_map.h"
#include "engine/message.h"

namespace deltamesh {

class MapRanges {
 public:
  struct Item {
    const MapEntry* entry = nullptr;
    Fingerprint print;  // Of nothing, if the entry is a tombstone.
  };

  // An entry that was added or has changed. It stays where it is for as long as this lives.
  void take(const MapEntry& entry);
  // One that is about to go.
  void drop(std::string_view key);

  [[nodiscard]] message::RangeSum sum(const message::KeyRange& range) const;
  // Entries of the range, removed ones too.
  [[nodiscard]] std::size_t count(const message::KeyRange& range) const;
  // These, ascending by key.
  [[nodiscard]] std::vector<Item> items(const message::KeyRange& range) const;
  // The range in at most `parts` ranges of about as many entries each; itself, if it has fewer than two.
  [[nodiscard]] std::vector<message::KeyRange> cut(const message::KeyRange& range, std::size_t parts) const;

  // What a question costs at the very least.
  [[nodiscard]] std::size_t runs() const { return runs_.size(); }

 private:
  struct Run {
    std::vector<Item> items;  // At least one; ascending by key.
    message::RangeSum sum;
  };
  struct Place {
    std::size_t run = 0, item = 0;
  };

  [[nodiscard]] std::size_t run_of(std::string_view key) const;
  [[nodiscard]] Place place_of(std::string_view key) const;
  [[nodiscard]] Place end_of(const message::KeyRange& range) const;
  void split(std::size_t run);
  // Calls `each(run, first item, item behind the last)` for every run that has some of the range.
  template <class Each>
  void for_each_run(const message::KeyRange& range, Each each) const;

  std::vector<std::unique_ptr<Run>> runs_;
};

}  // namespace deltamesh
