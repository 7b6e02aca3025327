// engine/sqlite/check.h - looks for damage in a whole store: every page, every row, every event.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "crdt/result.h"

namespace deltamesh {

// Findings that are told in words; more are only counted. More: memory on a store that is one ruin.
inline constexpr std::size_t kCheckFindingsMax = 1000;

struct CheckReport {
  std::vector<std::string> findings;  // At most kCheckFindingsMax.
  std::uint64_t found = 0;            // All of them; 0: the store is sound.
  std::uint64_t streams = 0, series = 0, entries = 0, blocks = 0,
                events = 0;  // That were read and are sound.
};

// Reads pages and indexes as SQLite does, verifies each row's checksum, decodes each block, and holds against
// each other what the store says that it knows and what is there. Sees one state of the store, also while a
// node runs on it; writes nothing. Damage that keeps it from being opened is a finding, too; an error means
// that there is no such store, that it may not be read, or that a node began to write it meanwhile. What a
// page does not use, counters of the file's changes, and the type of a column that repeats its row's number
// can be damaged without being found: nothing reads them.
Result<CheckReport> check_contents(const std::string& path);
// kCorrupt, with the first finding, if there is one.
Status require_sound(const std::string& path);

}  // namespace deltamesh
