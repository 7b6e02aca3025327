// tests/sqlite/format_test.cc - version 0 of the store on disk is what it was: its tables and its checksums.
#include "engine/sqlite/checksum.h"
#include "engine/sqlite/prune_rows.h"
#include "engine/sqlite/schema.h"
#include "tests/sqlite/raw_database.h"
#include "tests/sqlite/sqlite_fixture.h"

namespace deltamesh {
namespace {

using sqlite::Database;

StreamId golden_stream() {
  StreamId stream{DatasetId{7}, StreamClass::kAlarm, {}, {}};
  stream.node.bytes[0] = 1;
  stream.incarnation.bytes[15] = 2;
  return stream;
}

TEST_CASE("the tables of version 0 are what they were", "[sqlite][format]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  open_store_at(path);
  auto database = Database::open(path, Database::Access::kImmutable);
  REQUIRE(database);
  const auto tables =
      database->text("SELECT group_concat(sql, ';' || char(10)) FROM sqlite_schema WHERE sql IS NOT NULL");
  REQUIRE(tables);
  CHECK(*tables + ";\n" == slurp(std::string(DELTAMESH_SOURCE_DIR) + "/tests/formats/store_v0.sql"));
  CHECK(*database->integer("PRAGMA application_id") == 0x444d5354);
  CHECK(*database->integer("PRAGMA user_version") == 0);
  CHECK(*database->integer("PRAGMA page_size") == 4096);
  CHECK(slurp(path).substr(68, 4) == "DMST");
}

TEST_CASE("the checksums of version 0 are what they were", "[sqlite][format]") {
  StoredBlock block;
  block.stream = golden_stream();
  block.first = 5;
  block.events = 4;
  block.has_utc = true;
  block.time_min = -1;
  block.time_max = 1000;
  block.bytes = std::make_shared<const Bytes>(Bytes{std::byte{1}, std::byte{2}, std::byte{3}});
  CHECK(sqlite::checksum_of(block) == 0xe80f8056e6b30b3eu);
  CHECK(sqlite::checksum_of(StreamSeries{golden_stream(), {3, "room/t", "Cel", ValueType::kDouble}}) ==
        0xf2f23c16189255dcu);
  const MapWrite write{DatasetId{7}, {"limit", {0, {5}, {golden_stream(), 6}}, false, "21", false, {}}};
  CHECK(sqlite::checksum_of(write, 0) == 0xb8e39659156c7b64u);
  Knowledge::Entry entry{golden_stream(), {}};
  entry.known.hold({1, 1000});
  CHECK(sqlite::KnowledgeRow(entry).checksum(entry.stream) == 0x39cd883d59522a38u);
  CHECK(sqlite::checksum_of(sqlite::ArrivalRow{9, {std::chrono::seconds(600), std::nullopt}}) ==
        0x8ad265d195f6dd54u);
  CHECK(sqlite::SurfacedRow(write).checksum == 0xa8c4bb53c509bc2bu);
  StoredFloor floor{DatasetId{7}, {}};
  floor.floor.stamp = {5};
  floor.floor.collected.at(golden_stream()).hold({1, 1000});
  CHECK(sqlite::FloorRow(floor).checksum == 0xb522ec915f96bfdcu);
}

}  // namespace
}  // namespace deltamesh
