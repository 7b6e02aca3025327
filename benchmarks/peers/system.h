// benchmarks/peers/system.h - what is compared: a system whose full copy brings an empty one up to date.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/peers/readings.h"
#include "benchmarks/process_use.h"

namespace deltamesh::bench {

// Both ends together, from the start of the catch-up until the receiver has everything as durable as the
// system's setting says.
struct CatchUp {
  double seconds = 0;
  std::optional<double> wire_bytes;  // Both directions; none where there is no wire.
  double disk_bytes = 0;             // What the receiver's files hold once it has been stopped.
  double written_bytes = 0;          // Handed to the device so far.
  double cpu_seconds = 0;
  double memory_peak_bytes = 0;
};

class System {
 public:
  virtual ~System() = default;
  // Throws if the receiver does not get everything.
  virtual CatchUp catch_up() = 0;
};

// A system at one setting, which fills its full copy from the extract as it is made.
struct Contender {
  std::string name;     // "tarantool-fsync"
  std::string version;  // What the program says of itself.
  std::unique_ptr<System> system;
  std::uint64_t readings = 0;
};

// Each makes its folders in `folder` and ends what it starts.
std::unique_ptr<System> make_node_pair(const std::vector<std::string>& sensor_files,
                                       const std::filesystem::path& folder);
enum class TarantoolWay : std::uint8_t { kWrite, kFsync, kJoin };
std::unique_ptr<System> make_tarantool_pair(TarantoolWay way, const Extract& extract,
                                            const std::filesystem::path& folder);
std::unique_ptr<System> make_nats_pair(bool fsync, const Extract& extract,
                                       const std::filesystem::path& folder);
// Rows of a table, copied from file to file.
std::unique_ptr<System> make_sqlite_rows(bool fsync, const Extract& extract,
                                         const std::filesystem::path& folder);

// What the program says of its version; none where there is none.
std::optional<std::string> nats_version();
std::string sqlite_version();
// Whether this version can sync each message to disk: it knows the setting.
bool nats_knows_fsync();

// What the systems share in measuring.
double bytes_in(const std::filesystem::path& folder);  // Of all files below it.
void add_use(CatchUp& to, const ProcessUse& use);      // Of one end.
// What was written before is on the device, and not still to come while time runs.
void settle_disk();

}  // namespace deltamesh::bench
