// benchmarks/peers/sqlite_rows.cc - files of rows, filled and copied by the program copy-rows.
#include <sstream>
#include <stdexcept>

#include "benchmarks/peers/system.h"
#include "benchmarks/recording.h"
#include "tests/scenarios/node_process.h"
#include "tests/support/temp_dir.h"

namespace deltamesh::bench {
namespace {

class SqliteRows final : public System {
 public:
  SqliteRows(bool fsync, const Extract& extract, std::filesystem::path folder)
      : fsync_(fsync), folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    run_or_throw({testing::program("copy-rows"), "fill", full(), extract.messages_file});
  }

  CatchUp catch_up() override {
    const testing::TempDir dir(folder_);
    settle_disk();
    std::istringstream said(run_or_throw(
        {testing::program("copy-rows"), "copy", full(), dir.path() / "empty.db", fsync_ ? "full" : "off"}));
    CatchUp result;
    said >> result.seconds >> result.cpu_seconds >> result.memory_peak_bytes >> result.written_bytes;
    if (!said) throw std::runtime_error("copy-rows says " + said.str());
    result.disk_bytes = bytes_in(dir.path());
    return result;
  }

 private:
  [[nodiscard]] std::string full() const { return folder_ / "full.db"; }

  bool fsync_;
  std::filesystem::path folder_;
};

}  // namespace

std::unique_ptr<System> make_sqlite_rows(bool fsync, const Extract& extract,
                                         const std::filesystem::path& folder) {
  return std::make_unique<SqliteRows>(fsync, extract, folder);
}

std::string sqlite_version() {
  const std::string said = run_or_throw({testing::program("copy-rows"), "version"});
  return said.substr(0, said.find('\n'));
}

}  // namespace deltamesh::bench
