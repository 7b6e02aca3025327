// tests/scenarios/failed_disk_test.cc - writes fail for a while: nothing is acknowledged that is not there,
// and the node heals by itself.
#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "tests/scenarios/node_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

// Files may not grow beyond this: a write fails with an error that is no lack of space.
void limit_files(pid_t process, rlim_t bytes) {
  const rlimit limit{bytes, RLIM_INFINITY};
  REQUIRE(::prlimit(process, RLIMIT_FSIZE, &limit, nullptr) == 0);
}

TEST_CASE("a node whose disk fails opens its store again by itself and keeps all that it acknowledged",
          "[scenario][disk]") {
  const TempDir dir;
  NodeProcess node(dir.path(), "node"), peer(dir.path(), "peer", {{node.tcp()}, "1s", {}, {}});
  node.start();
  peer.start();
  std::uint64_t acknowledged = 0;
  std::int64_t time = 0;
  const auto append = [&] {
    const bool good = node.append(++time, "s", 1.0) == 200;
    acknowledged += good;
    return good;
  };
  for (int i = 0; i < 100; ++i) REQUIRE(append());

  limit_files(node.pid(), 1);
  CHECK_FALSE(append());
  // It has stopped and cannot start; its log cannot say so either.
  REQUIRE(wait_until([&] { return node.ask("GET", "/healthz").status == 0; }));
  limit_files(node.pid(), RLIM_INFINITY);

  REQUIRE(wait_until(append, std::chrono::minutes(2)));
  for (int i = 0; i < 100; ++i) REQUIRE(append());
  CHECK(node.log().find("a new incarnation starts") != std::string::npos);
  const auto equal = [&] { return counted(peer, "events") == acknowledged; };
  CHECK(wait_until(equal));
  CHECK(peer.stop() == 0);
  CHECK(node.stop() == 0);
  CHECK(counted(node, "events") == acknowledged);
  CHECK(same_contents(node, peer));
}

}  // namespace
}  // namespace deltamesh::testing
