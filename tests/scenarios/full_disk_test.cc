// tests/scenarios/full_disk_test.cc - the cloud's disk is full for a while: it waits, says so, and loses
// nothing.
#include <sys/mount.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iostream>

#include "tests/scenarios/node_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

// A file system of a few megabytes; not there where we may not mount.
class SmallDisk {
 public:
  SmallDisk() : mounted_(::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=8m") == 0) {}
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }

  void fill() const {
    std::ofstream file(filler(), std::ios::binary);
    const std::string piece(4096, 'x');
    while (file.write(piece.data(), static_cast<std::streamsize>(piece.size())).flush()) continue;
  }
  void free_space() const { std::filesystem::remove(filler()); }

 private:
  [[nodiscard]] std::filesystem::path filler() const { return path() / "filler"; }

  TempDir folder_;
  bool mounted_;
};

constexpr std::uint64_t kEvents = 10;

TEST_CASE(
    "a cloud with a full disk stops acknowledging, says that it waits, and has everything once space returns",
    "[scenario][full]") {
  const SmallDisk disk;
  if (!disk.mounted()) {
    std::cout << "SKIPPED: no right to mount a small file system\n";
    return;
  }
  const TempDir dir;
  NodeProcess cloud(dir.path(), "cloud", {{}, "10s", {}, disk.path()});
  NodeProcess gateway(dir.path(), "gateway", {{cloud.ws()}, "10s", {}, {}});
  cloud.start();
  gateway.start();
  std::uint64_t rounds = 0;
  REQUIRE(append_texts(gateway, rounds++, kEvents));
  REQUIRE(wait_until([&] { return holds_all(cloud, 1, kEvents); }));

  disk.fill();
  REQUIRE(wait_until([&] {
    REQUIRE(append_texts(gateway, rounds++, kEvents));  // The gateway goes on.
    return cloud.status() == "waiting_for_space";
  }));
  CHECK(cloud.ask("GET", "/healthz").status == 503);
  CHECK(gateway.ask("GET", "/healthz").status == 200);
  REQUIRE(append_texts(gateway, rounds++, kEvents));
  CHECK(wait_until([&] { return gateway.events_unacknowledged() > 0; }));
  CHECK_FALSE(holds_all(cloud, 1, rounds * kEvents));
  CHECK(cloud.status() == "waiting_for_space");

  disk.free_space();
  CHECK(wait_until([&] { return holds_all(cloud, 1, rounds * kEvents); }));
  CHECK(wait_until([&] { return cloud.status() == "ok" && gateway.events_unacknowledged() == 0; }));
  CHECK(cloud.ask("GET", "/healthz").status == 200);
  CHECK(gateway.stop() == 0);
  CHECK(cloud.stop() == 0);
  CHECK(counted(cloud, "events") == rounds * kEvents);
  CHECK(same_contents(gateway, cloud));
}

}  // namespace
}  // namespace deltamesh::testing
