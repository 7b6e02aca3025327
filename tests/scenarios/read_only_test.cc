// tests/scenarios/read_only_test.cc - the file system becomes read-only in the middle of commits: nothing is
// acknowledged that is not there, and the node goes on by itself once the disk is well.
#include <catch2/catch.hpp>
#include <iostream>

#include "tests/scenarios/ext_disk.h"
#include "tests/scenarios/node_process.h"
#include "tests/scenarios/writers.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

TEST_CASE("a node whose file system became read-only lets go of it, and goes on with all it acknowledged",
          "[scenario][disk]") {
  const ExtDisk disk;
  if (!disk.usable()) {
    std::cout << "SKIPPED: no right, or no means, to mount a file system of an image\n";
    return;
  }
  const TempDir dir;
  NodeProcess node(dir.path(), "node", {{}, "10s", {}, disk.folder()});
  NodeProcess peer(dir.path(), "peer", {{node.tcp()}, "1s", {}, {}});
  node.start();
  peer.start();
  Writers writers(node, 0);
  REQUIRE(wait_until([&] { return writers.have_durable(200); }));
  REQUIRE(disk.fail());
  writers.join();
  REQUIRE(wait_until([&] { return node.ask("GET", "/healthz").status == 0; }));
  CHECK(node.append(0, "refused", 1) != 200);

  REQUIRE(wait_until([&] { return disk.unmount(); }));
  REQUIRE(disk.mount());
  REQUIRE(wait_until([&] { return node.append(0, "after", 1) == 200; }, std::chrono::minutes(2)));
  CHECK(node.log().find("a new incarnation starts") != std::string::npos);
  check_all_there(node, writers);
  CHECK(wait_until([&] { return counted(peer, "events") == counted(node, "events"); }));
  CHECK(peer.stop() == 0);
  CHECK(node.stop() == 0);
  CHECK(same_contents(node, peer));
  CHECK(run({program("crdt-dump"), "check", node.store()}).status == 0);
  check_all_there(node, writers);
  check_all_there(peer, writers);
}

}  // namespace
}  // namespace deltamesh::testing
