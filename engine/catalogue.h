// engine/catalogue.h - what the numbers of series mean, stream by stream, and the numbering of our own.
//
// A declaration never changes: another unit or type of a name takes another number. One that contradicts an
// earlier one is a conflict; the first stays, and the caller counts it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "crdt/result.h"
#include "crdt/sample.h"
#include "engine/stream_table.h"

namespace deltamesh {

class Catalogue {
 public:
  enum class Added { kNew, kSame, kConflict, kFull };
  Added add(StreamIx stream, const SeriesDecl& decl);
  // Takes all declarations of a stream out.
  void forget(StreamIx stream);
  [[nodiscard]] const SeriesDecl* find(StreamIx stream, SeriesNo number) const;
  // Of one stream, by number.
  [[nodiscard]] const std::map<SeriesNo, SeriesDecl>& of(StreamIx stream) const;
  [[nodiscard]] std::size_t size() const { return size_; }  // At most limits::kSeriesMax.

 private:
  std::vector<std::map<SeriesNo, SeriesDecl>> streams_;  // By StreamIx.
  std::size_t size_ = 0;
};

// Hands out the numbers of one own stream.
class SeriesNumbers {
 public:
  // Takes note of a declaration from the store.
  void load(const SeriesDecl& decl);

  // The number of (name, unit, type); 0 if it has none yet. An empty unit means that the writer does not say,
  // and matches the newest declaration of (name, type).
  [[nodiscard]] SeriesNo find(std::string_view name, std::string_view unit, ValueType type) const;
  // Declares it under the next number. The caller has checked the name, and that there is room.
  SeriesDecl declare(std::string_view name, std::string_view unit, ValueType type);

  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::vector<SeriesDecl>, Hash, std::equal_to<>> by_name_;
  SeriesNo last_ = 0;
  std::size_t count_ = 0;
};

}  // namespace deltamesh
