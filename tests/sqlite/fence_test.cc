// tests/sqlite/fence_test.cc - the node's name outlives its database, and does not depend on the fence.
#include "engine/sqlite/fence.h"

#include "tests/sqlite/durable_steps.h"
#include "tests/sqlite/sqlite_fixture.h"

namespace deltamesh {
namespace {

Identity run_once(const SqliteOptions& options) {
  const auto store = SqliteStore::open(options);
  REQUIRE(store);
  return (*store)->identity();
}

TEST_CASE("a fence beside no database lends the node's name to a new store", "[sqlite][fence]") {
  const TempFolder folder;
  const SqliteOptions options = options_for(folder.file("store"));
  const Identity before = run_once(options);
  std::filesystem::remove(options.path);
  const auto store = open_store_at(options.path);
  CHECK(store->opened().created);
  CHECK(store->identity().node == before.node);
  CHECK(store->identity().incarnation != before.incarnation);
}

TEST_CASE("a store that is not there yet takes the name that it is given, and no other store does",
          "[sqlite][fence]") {
  const TempFolder folder;
  const SqliteOptions options = options_for(folder.file("store"));
  NodeId name{}, other{};
  name.bytes.fill(0x5a);
  other.bytes.fill(0x77);
  REQUIRE(sqlite::adopt_node(options.path, name));
  REQUIRE(sqlite::adopt_node(options.path, name));
  CHECK(sqlite::adopt_node(options.path, other).error().code == ErrorCode::kInvalid);
  {
    const auto store = open_store_at(options.path);
    CHECK(store->identity().node == name);
    CHECK_FALSE(sqlite::adopt_node(options.path, other));  // It is open.
  }
  CHECK(sqlite::adopt_node(options.path, other).error().code == ErrorCode::kInvalid);
  std::filesystem::remove(options.path);
  spill(options.path + ".fence", "of who knows whom");
  CHECK(sqlite::adopt_node(options.path, name).error().code == ErrorCode::kCorrupt);
}

TEST_CASE("a log without its database is set aside, and the node goes on", "[sqlite][fence]") {
  const TempFolder folder;
  SqliteOptions options = options_for(folder.file("store"));
  const Identity before = run_once(options);
  std::filesystem::remove(options.path);
  spill(options.path + "-wal", "the only copy of something");
  std::string told;
  options.log = [&told](const std::string& text) { told += text; };
  CHECK(run_once(options).node == before.node);
  CHECK_THAT(told, Catch::Contains("-wal.lost"));
  CHECK(slurp(options.path + "-wal.lost") == "the only copy of something");
  std::filesystem::remove(options.path);
  spill(options.path + "-wal", "another");
  run_once(options);
  CHECK(slurp(options.path + "-wal.lost") == "the only copy of something");
  CHECK(slurp(options.path + "-wal.lost.2") == "another");
}

TEST_CASE("without a database a damaged fence is not taken for none", "[sqlite][fence]") {
  const TempFolder folder;
  const SqliteOptions options = options_for(folder.file("store"));
  run_once(options);
  std::filesystem::remove(options.path);
  spill(options.path + ".fence", "deltamesh-fence 0\nnode 12\n");
  const auto store = SqliteStore::open(options);
  REQUIRE(!store);
  CHECK_THAT(store.error().text, Catch::Contains("remove it to start as a new node"));
}

TEST_CASE("the database's name is the node's, whatever its fence says, and the fence is mended",
          "[sqlite][fence]") {
  const TempFolder folder;
  SqliteOptions options = options_for(folder.file("store"));
  const std::string fence = options.path + ".fence";
  const Identity identity = run_once(options);
  const std::string good = slurp(fence);
  std::string told;
  options.log = [&told](const std::string& text) { told += text; };
  SECTION("it is lost") {
    std::filesystem::remove(fence);
    CHECK(run_once(options) == identity);
  }
  SECTION("it is damaged") {
    spill(fence, good.substr(0, good.size() / 2));
    CHECK(run_once(options) == identity);
    CHECK_THAT(told, Catch::Contains("fails its checksum"));
  }
  SECTION("it is another node's") {
    const SqliteOptions other = options_for(folder.file("other"));
    run_once(other);
    spill(fence, slurp(other.path + ".fence"));
    CHECK(run_once(options) == identity);
    CHECK_THAT(told, Catch::Contains("had the fence of another node"));
  }
  CHECK(slurp(fence) == good);
}

TEST_CASE("a node without a place for a fence works, and says so", "[sqlite][fence]") {
  const TempFolder folder;
  SqliteOptions options = options_for(folder.file("store"));
  const Identity identity = run_once(options);
  std::filesystem::remove(options.path + ".fence");
  std::filesystem::create_directory(options.path + ".fence");  // What cannot be replaced by a file.
  std::string told;
  options.log = [&told](const std::string& text) { told += text; };
  for (int opening = 0; opening < 3; ++opening) CHECK(run_once(options) == identity);
  CHECK_THAT(told, Catch::Contains("has no fence"));
}

TEST_CASE("a fence reads back as it was written, and no changed byte of it passes", "[sqlite][fence]") {
  const NodeId node = stream_number(1).node;
  const std::string text = sqlite::encode_fence(node);
  REQUIRE(sqlite::decode_fence(text));
  CHECK(*sqlite::decode_fence(text) == node);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const int bit : {1, 16}) {
      std::string changed = text;
      changed[at] = static_cast<char>(changed[at] ^ bit);
      if (sqlite::decode_fence(changed)) FAIL("byte " << at << " may be changed unseen");
    }
    CHECK(!sqlite::decode_fence(text.substr(0, at)));
  }
  CHECK(!sqlite::decode_fence(text + "\n"));
}

TEST_CASE("the written form of a fence is what it was", "[sqlite][fence]") {
  const std::string golden = slurp(std::string(DELTAMESH_SOURCE_DIR) + "/tests/formats/fence_v0.txt");
  CHECK(sqlite::encode_fence(stream_number(1).node) == golden);
}

}  // namespace
}  // namespace deltamesh
