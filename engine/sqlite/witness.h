// engine/sqlite/witness.h - what the memory of this machine knows of the numbers that a store has issued.
//
// A number that was issued once must never be issued again. A store that was restored from a copy, with
// whatever stands beside it, has forgotten some of its numbers and cannot know it. So an incarnation goes on
// only if memory that no restore brings back and no restart of the machine keeps (a file in a tmpfs) says
// that just the numbers in the store were issued; else a new incarnation starts before the first write, whose
// numbers are its own whatever became of the former ones. docs/decisions/0007 has the reasons, docs/formats/
// witness.md the format.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "crdt/dot.h"
#include "crdt/result.h"
#include "engine/sqlite/files.h"

namespace deltamesh::sqlite {

// The last number of each own stream of one incarnation.
using LastNumbers = std::map<std::pair<DatasetId, StreamClass>, Seq>;
struct Issued {
  Incarnation incarnation;
  LastNumbers last;
  friend bool operator==(const Issued&, const Issued&) = default;
};

std::string encode_witness(const Issued& issued);
Result<Issued> decode_witness(std::string_view text);

class Witness {
 public:
  // Nothing is remembered.
  Witness() = default;
  // In a file at `path`, which lies in memory. It remembers nothing where `path` is empty, where another
  // process has it, or where somebody else has put something in its place.
  static Witness at(const std::string& path);

  // What is remembered from before; nullopt: nothing that can be read.
  [[nodiscard]] std::optional<Issued> recall() const;
  // From here on this is remembered; no number beyond it may be in use.
  Status begin(Issued issued);
  // Before a commit that uses numbers up to these.
  Status issue(const LastNumbers& last);
  // The next opening starts a new incarnation.
  Status forget();

 private:
  Witness(std::string path, LockFile lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  Status save();

  std::string path_;  // Empty: there is no such place.
  std::optional<LockFile> lock_;
  Issued issued_;
};

// The file for the store at `store_path`. `folder`: where; nullopt: the first tmpfs that may be written among
// $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR, /run and /dev/shm. Empty if there is none.
std::string witness_path(const std::string& store_path, const std::optional<std::string>& folder);

}  // namespace deltamesh::sqlite
