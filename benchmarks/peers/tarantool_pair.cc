// benchmarks/peers/tarantool_pair.cc - two Tarantools, each a master and a replica of the other.
//
// kWrite and kFsync: both were linked while empty; then one was filled alone, and time runs from when the
// other follows it again, which replays its log. kJoin: the other is new and takes a snapshot.
#include <fmt/format.h>

#include <chrono>
#include <stdexcept>

#include "benchmarks/counted_links.h"
#include "benchmarks/peers/system.h"
#include "benchmarks/process_use.h"
#include "benchmarks/tarantool_instance.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kScript = "peers/tarantool_pair.lua";

class TarantoolPair final : public System {
 public:
  TarantoolPair(TarantoolWay way, const Extract& extract, std::filesystem::path folder);
  CatchUp catch_up() override;

 private:
  void start_linked(TarantoolInstance& full, TarantoolInstance& empty);
  void begin(TarantoolInstance& empty, const std::string& full_uri);

  TarantoolWay way_;
  std::string wal_mode_;
  std::filesystem::path folder_;
  std::int64_t rows_ = 0;
};

std::string uri(std::uint16_t port) {
  return fmt::format("127.0.0.1:{}", port);
}

// Filled in the quick mode: what is in the log is the same.
TarantoolPair::TarantoolPair(TarantoolWay way, const Extract& extract, std::filesystem::path folder)
    : way_(way), wal_mode_(way == TarantoolWay::kWrite ? "write" : "fsync"), folder_(std::move(folder)) {
  TarantoolInstance full(folder_ / "full");
  full.start(kScript, {"write"});
  full.connect();
  full.ask("create");
  if (way_ != TarantoolWay::kJoin) {
    TarantoolInstance empty(folder_ / "empty");
    empty.start(kScript, {"write", uri(full.port())});
    empty.connect();
    empty.stop();
  }
  full.ask("fill " + extract.messages_file);
  rows_ = full.ask("rows");
  full.stop();
}

void TarantoolPair::start_linked(TarantoolInstance& full, TarantoolInstance& empty) {
  full.start(kScript, {wal_mode_});
  full.connect();
  if (way_ == TarantoolWay::kJoin) return;
  empty.start(kScript, {wal_mode_});
  empty.connect();
  full.ask("follow " + uri(empty.port()));
}

void TarantoolPair::begin(TarantoolInstance& empty, const std::string& full_uri) {
  if (way_ == TarantoolWay::kJoin) {
    empty.start(kScript, {wal_mode_, full_uri});
    empty.connect();
  } else {
    empty.ask("follow " + full_uri);
  }
}

// On copies, so that every run begins alike.
CatchUp TarantoolPair::catch_up() {
  const testing::TempDir dir(folder_);
  std::filesystem::copy(folder_ / "full", dir.path() / "full", std::filesystem::copy_options::recursive);
  if (way_ != TarantoolWay::kJoin)
    std::filesystem::copy(folder_ / "empty", dir.path() / "empty", std::filesystem::copy_options::recursive);
  CountedLinks links;
  TarantoolInstance full(dir.path() / "full"), empty(dir.path() / "empty");
  start_linked(full, empty);
  settle_disk();

  const ProcessUse full_before = process_use(full.pid());
  const ProcessUse empty_before = way_ == TarantoolWay::kJoin ? ProcessUse{} : process_use(empty.pid());
  const auto begun = Clock::now();
  begin(empty, uri(links.way_to(full.port())));
  if (!testing::wait_until([&] { return empty.ask("logged") == full.ask("logged"); },
                           std::chrono::minutes(30)))
    throw std::runtime_error("the empty Tarantool did not catch up:\n" + empty.log());
  CatchUp result;
  result.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  add_use(result, used_since(full_before, full.pid()));
  add_use(result, used_since(empty_before, empty.pid()));
  result.wire_bytes = static_cast<double>(links.bytes());
  if (empty.ask("rows") != rows_) throw std::runtime_error("the two Tarantools do not hold the same");
  empty.stop();
  full.stop();
  result.disk_bytes = bytes_in(empty.folder());
  return result;
}

}  // namespace

std::unique_ptr<System> make_tarantool_pair(TarantoolWay way, const Extract& extract,
                                            const std::filesystem::path& folder) {
  return std::make_unique<TarantoolPair>(way, extract, folder);
}

}  // namespace deltamesh::bench
