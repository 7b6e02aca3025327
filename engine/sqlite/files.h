// engine/sqlite/files.h - the few things a store does with files beside its database.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "crdt/dot.h"
#include "crdt/result.h"

namespace deltamesh::sqlite {

// Whether a file exists, and its size; nothing is an error but a failing system.
struct FileFacts {
  bool exists = false;
  std::uint64_t size = 0;
  std::int64_t changed = 0;  // When its contents were written last, in ns.
  friend bool operator==(const FileFacts&, const FileFacts&) = default;
};
Result<FileFacts> file_facts(const std::string& path);

// What SQLite may keep of one database: the file, and behind its name these.
inline constexpr std::array<const char*, 4> kDatabaseFiles{"", "-wal", "-shm", "-journal"};

// A store as it was found, to be looked at again: one without a log is read without locks, which is sound
// only while nobody starts to write it.
class StandingStore {
 public:
  static Result<StandingStore> at(const std::string& path);
  [[nodiscard]] bool exists() const { return database_.exists; }
  [[nodiscard]] bool logged() const { return logged_; }
  // kIo if a node was started on it since then.
  [[nodiscard]] Status check(const std::string& path) const;

 private:
  FileFacts database_;
  bool logged_ = false;  // It has side files, and is read with locks.
};

// The whole file; refuses more than `size_max` bytes. Not found if it does not exist.
Result<std::string> read_file(const std::string& path, std::size_t size_max);

// A file that is read here and there.
class SourceFile {
 public:
  static Result<SourceFile> open(const std::string& path);  // Not found if it does not exist.
  SourceFile(SourceFile&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}
  SourceFile& operator=(SourceFile&& other) noexcept;
  SourceFile(const SourceFile&) = delete;
  SourceFile& operator=(const SourceFile&) = delete;
  ~SourceFile();

  [[nodiscard]] std::uint64_t size() const { return size_; }  // When it was opened.
  // False unless the disk gives all of `bytes`.
  [[nodiscard]] bool read_at(std::uint64_t place, std::span<std::byte> bytes) const;

 private:
  explicit SourceFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

// Replaces `path` by a new file so that a reader, or a crash at any time, meets the old one or the new one.
// When `sync`, the new one is durable on return.
Status replace_file(const std::string& path, const std::string& contents, bool sync);

Status sync_file(const std::string& path);    // fsync(2).
Status sync_folder(const std::string& path);  // Of the folder in which `path` lies: names are durable then.
// Gives a file another name, at which there must be none; durable.
Status rename_new(const std::string& from, const std::string& to);
// rename(2), durable when `sync`.
Status rename_file(const std::string& from, const std::string& to, bool sync);
// `name`, or with a number behind it if there is such a file: nothing that is kept is written over.
std::string free_name(const std::string& name);
// The file that `path` names where it is a symbolic link to one; else `path`.
std::string link_target(const std::string& path);
// An empty file that only its owner may read or write; there must be none.
Status create_private(const std::string& path);
// Owner and mode of `from`, as far as this process may give them: nobody may read `to` who may not read
// `from`.
void copy_owner(const std::string& from, const std::string& to);
Status remove_file(const std::string& path);      // No error if there is none.
Status remove_database(const std::string& path);  // With its side files.
// kInvalid if there is any of them: SQLite would take a log beside a new database for that one's.
Status require_no_database(const std::string& path);

// 16 bytes that nobody can foretell.
Status fill_random(std::array<std::uint8_t, 16>& bytes);

// What this process may still write to the file system on which `path` lies.
Result<std::uint64_t> free_bytes(const std::string& path);

// A folder that this process may write and that is empty after the machine was started: a tmpfs.
bool is_memory(const std::string& folder);

// A plain file of this user's, or none.
bool is_ours_or_absent(const std::string& path);

// Without links and dots in the folder's part; as it is if the folder cannot be found.
std::string absolute_path(const std::string& path);

// An exclusive lock on a file that lies there for nothing else; the system releases it when the process dies.
class LockFile {
 public:
  // Refuses at once if another process, or another opening in this one, has it.
  static Result<LockFile> take(const std::string& path);
  LockFile(LockFile&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  LockFile& operator=(LockFile&& other) noexcept;
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;
  ~LockFile() { release(); }
  void release();

 private:
  explicit LockFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace deltamesh::sqlite
