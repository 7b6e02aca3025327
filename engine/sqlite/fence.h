// engine/sqlite/fence.h - a note kept outside the database, by which a restored or copied database is told.
//
// A number that was issued once must never be issued again. A database restored from a backup has forgotten
// the numbers issued since, so both it and the fence carry a mark that moves at each opening, each clean
// close and each reservation of numbers. At open the two must agree; if not, a new incarnation starts before
// the first write, and the forgotten numbers belong to the old one.
//
// The mark moves in three durable steps: the fence notes "from A to B", the database takes B, the fence
// settles on B. The fence is a new file each time and names itself, so that an old one that was put back,
// with the database that belonged to it, is known too. A process killed at any point leaves the database at A
// or B, both of which the fence allows; nothing is written under B before the fence has settled. Format:
// docs/formats/fence.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "crdt/dot.h"
#include "crdt/result.h"
#include "engine/config.h"
#include "engine/sqlite/files.h"

namespace deltamesh::sqlite {

// Stored alike in the fence and in the database.
struct Mark {
  std::uint64_t opens = 0;
  std::uint64_t closes = 0;  // Clean ones.
  Seq reserved = 0;          // Numbers of local streams up to here may have been issued.
  friend bool operator==(const Mark&, const Mark&) = default;
};

struct Fence {
  Identity identity;
  Mark from;  // The database bears one of these two.
  Mark to;
  std::uint64_t machine = 0;  // machine_hash() when it was written; 0: not known, as with the next two.
  std::uint64_t birth = 0;    // FileFacts::birth of the database.
  std::uint64_t self = 0;     // The same of the file that the fence was written into.
  bool doubt = false;         // A sync failed, or numbers were found in use elsewhere.
  friend bool operator==(const Fence&, const Fence&) = default;
};

// What the other side says at open.
struct Found {
  Identity identity;
  Mark mark;
  std::uint64_t machine = 0;
  std::uint64_t birth = 0;
  std::uint64_t self = 0;  // Of the fence as it lies there.
};

// Why the database needs a new incarnation, in words; nullopt if it is the one that the fence knows.
std::optional<std::string> reason_to_distrust(const std::optional<Fence>& fence, const Found& found);

std::string encode_fence(const Fence& fence);
Result<Fence> decode_fence(std::string_view text);

// nullopt if there is no fence, or none that can be read: `why` says. A fence of a newer version is an error.
Result<std::optional<Fence>> load_fence(const std::string& path, std::string& why);

// Owns the fence of an open store.
class FenceKeeper {
 public:
  FenceKeeper(std::string path, Fence fence, bool sync)
      : path_(std::move(path)), fence_(fence), sync_(sync) {}

  Status save();
  // The three steps; `store` makes the mark durable in the database, which bears `from` now. If the last one
  // alone fails, the database bears `to`, and no number that `to` allows may be used before settle().
  Status advance(const Mark& from, const Mark& to, const std::function<Status(const Mark&)>& store);
  // Takes the last step if that failed; costs nothing otherwise.
  Status settle();
  // Forgets the former identity; the database is given this one next.
  Status start(const Identity& identity, const Mark& mark);
  // From now on the database is in doubt: the next opening starts a new incarnation.
  Status doubt();

 private:
  std::string path_;
  Fence fence_;
  bool sync_;
  bool settled_ = true;  // False: the database bears `to`, and the fence on the disk allows `from` still.
};

}  // namespace deltamesh::sqlite
