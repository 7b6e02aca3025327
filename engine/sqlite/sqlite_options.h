// engine/sqlite/sqlite_options.h - how a store on disk is opened, and what its opening found.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "engine/config.h"
#include "engine/limits.h"

namespace deltamesh {

// What a commit waits for. kFull survives a power cut; kOff survives a killed process, and is for tests and
// bulk loads that can be repeated.
enum class Fsync : std::uint8_t { kFull, kOff };

struct SqliteOptions {
  std::string path;
  Fsync fsync = Fsync::kFull;
  // The SQLite VFS that database and log go through, by the name it is registered under; empty: the default
  // one. Fence and lock are plain files in any case, and the store looks for the database as one.
  std::string vfs;

  // How long the first batch waits for company. Longer: fewer, larger commits. The node gathers already.
  std::chrono::milliseconds gather{0};
  // Of blocks and values in one transaction. Larger: later acknowledgements. Smaller: more syncs.
  std::size_t group_bytes_max = 8u << 20;
  // The log is written back after this many pages of 4 KiB. Larger: slower recovery, more space. Smaller:
  // pages that change often are written more often.
  std::uint32_t log_pages_max = 1024;
  // Page cache of the write connection and of each reader. Larger: memory. Smaller: more reads.
  std::uint32_t cache_kib = 8192;
  std::uint32_t reader_cache_kib = 2048;
  // How long a checkpoint that would empty the log waits for readers. Longer: commits wait with it. Shorter:
  // a log that readers hold open grows.
  std::chrono::milliseconds checkpoint_patience{100};
  // Up to this many times log_pages_max the log may grow before a checkpoint waits for readers at all.
  // Larger: space. Smaller: commits wait more often.
  std::uint32_t log_excess = 8;
  // At an opening, a file of which more than half is free, and at least so much, is written anew without that
  // (compact.h). Larger: more of the disk is taken for nothing. Smaller: a store that is small anyway is
  // written whole.
  std::uint64_t free_bytes_min = limits::kCompactFreeBytesMin;
  // Between tries while the disk is full: from the first, doubling, to the last.
  std::chrono::milliseconds space_retry_first{50};
  std::chrono::milliseconds space_retry_last{1000};

  // Where this machine's memory has a place for the numbers that were issued (witness.h). nullopt: it is
  // looked for; empty: there is none, and each opening starts a new incarnation.
  std::optional<std::string> memory_folder;

  // Told in words what an operator should know; called from the store's thread and from open().
  std::function<void(std::string)> log;
  // The disk failed: from now on every batch is refused, until the store is opened again. Called at most
  // once, from the store's thread, which waits for it: hand the news on and return.
  std::function<void(const Error&)> failed;
};

// Shares of `size_max`, the most that database and log may take together: the log's go into `options`, the
// database's is returned, for NodeConfig::store_bytes_max. A log that no reader holds open keeps to it.
inline constexpr std::uint64_t kStoreSizeMin = 16u << 20;
std::uint64_t bound_size(SqliteOptions& options, std::uint64_t size_max);

struct Opened {
  bool created = false;          // There was no store.
  bool new_incarnation = false;  // There was, but it may have forgotten numbers that it has issued.
  std::string why;               // Of the new incarnation, for people.
  std::uint64_t opens = 0;       // How often this store was opened, this time included.
  std::uint64_t given_back = 0;  // Bytes by which the file was made smaller.
};

}  // namespace deltamesh
