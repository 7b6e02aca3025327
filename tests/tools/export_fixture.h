// tests/tools/export_fixture.h - stores with something of every kind, and texts that were tampered with.
#pragma once

#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "engine/forget_block.h"
#include "engine/sqlite/store_maker.h"
#include "tests/engine/diff_fixture.h"
#include "tests/engine/store_model.h"
#include "tests/sqlite/raw_database.h"
#include "tests/sqlite/sqlite_fixture.h"
#include "tools/store_export.h"
#include "tools/store_text_reader.h"

namespace deltamesh::testing {

// --- Text ------------------------------------------------------------------------------------------------

inline std::string exported(const std::string& path) {
  std::ostringstream out;
  const auto counts = export_store(path, out);
  if (!counts) FAIL(counts.error().text);
  return out.str();
}

inline Result<CheckReport> import_text(const std::string& text, const std::string& path) {
  std::istringstream in(text);
  return import_store(in, "text", path, std::filesystem::path(path).parent_path().string());
}

// Why the text alone is refused, without a store being made of it; empty: it is not.
inline std::string refusal_of_text(const std::string& text) {
  std::istringstream in(text);
  StoreTextReader reader(in);
  for (;;) {
    const auto row = reader.next();
    if (!row) return row.error().text;
    if (!*row) return {};
  }
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// `from` of the line in place of which `to` shall stand; once.
inline std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  INFO(from << " in " << text.substr(0, 400));
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

// The lines with a last one that has their number and sum, but the counts that stood there.
inline std::string sealed(std::vector<std::string> lines) {
  const std::string end = lines.back();
  lines.pop_back();
  TextTally tally;
  for (const std::string& line : lines) tally.add_line(line);
  const std::string rest =
      end.substr(end.find(",\"streams\""), end.find(",\"xxh3_128\"") - end.find(",\"streams\""));
  lines.push_back("{\"record\":\"end\",\"lines\":" + std::to_string(lines.size()) + rest +
                  ",\"xxh3_128\":\"" + tally.digest() + "\"}");
  return joined(lines);
}

// --- Rows as the database has them -------------------------------------------------------------------------

// Every column of every table, with streams by their names.
inline std::string all_rows(const std::string& path) {
  const auto name_in = [](const char* column) {
    return std::string(
               "(SELECT dataset || '/' || class || '/' || hex(node) || '/' || hex(incarnation) FROM "
               "streams s WHERE s.id = t.") +
           column + ") || ' ' || ";
  };
  const std::string stream = name_in("stream");
  const std::pair<const char*, std::string> tables[] = {
      {"meta", "hex(node) || hex(incarnation) || opens || ' ' || clock || ' ' || hex(obeyed) || checksum"},
      {"incarnations", "number || ' ' || hex(incarnation) || reason || checksum"},
      {"streams", "dataset || '/' || class || hex(node) || hex(incarnation) || checksum"},
      {"knowledge", stream + "head || ' ' || settled || ' ' || hex(held) || ' ' || hex(dropped) || ' ' || "
                             "hex(voided) || ' ' || hex(lost) || ' ' || checksum"},
      {"series", stream + "number || ' ' || dataset || name || ' ' || unit || type || ' ' || checksum"},
      {"blocks", stream +
                     "id || ' ' || first || ' ' || last || ' ' || codec || quality || quote(time_min) || ' ' "
                     "|| quote(time_max) || ' ' || quote(boot_min) || ' ' || quote(boot_max) || ' ' || "
                     "quote(ticks_min) || ' ' || quote(ticks_max) || ' ' || checksum || hex(bytes)"},
      {"arrivals", "first || ' ' || alive || ' ' || quote(wall) || ' ' || checksum"},
      {"map_entries",
       stream + "dataset || hex(key) || ' ' || place || ' ' || epoch || ' ' || stamp || ' ' || seq || "
                "tombstone || untrusted || hex(past) || checksum || hex(value)"},
      {"map_floors", "dataset || hex(floor) || checksum"},
      {"surfaced", stream + "dataset || hex(key) || ' ' || seq || ' ' || hex(entry) || checksum"},
      {"boots", stream + name_in("writer") +
                    "boot || ' ' || ticks || ' ' || quality || ' ' || seq || ' ' || checksum"},
      {"own_boots", stream + "place || ' ' || number || hex(boot) || up || ' ' || checksum"},
      {"tier_acks", stream + "hex(acker) || hex(acker_incarnation) || hex(dots) || checksum"},
      {"ended_ackers", "hex(acker) || hex(acker_incarnation) || checksum"}};
  auto database = sqlite::Database::open_found(path);
  REQUIRE(database);
  std::string all;
  for (const auto& [table, columns] : tables) {
    const auto rows = database->text("SELECT coalesce(group_concat(line, char(10)), '') FROM (SELECT " +
                                     columns + " AS line FROM " + table + " t ORDER BY 1)");
    if (!rows) FAIL(table << ": " << rows.error().text);
    all += std::string(table) + "\n" + *rows + "\n";
  }
  return all;
}

// --- One row of each kind ----------------------------------------------------------------------------------

inline StreamId golden_stream(std::uint64_t dataset, StreamClass cls, std::uint8_t node) {
  StreamId stream{DatasetId{dataset}, cls, {}, {}};
  stream.node.bytes.fill(node);
  stream.incarnation.bytes[15] = 2;
  return stream;
}

inline std::vector<Event> golden_events() {
  std::vector<Event> events(3);
  events[0].time = 1'594'598'400'000;
  events[0].readings = {{1, 20.5}, {2, std::string("auf \"zu\"\n")}};
  events[1].time = 1'594'598'460'000;
  events[1].quality = Quality::kUncertain;
  events[1].readings = {{1, -0.0}};
  events[2].time = 1'594'598'520'000;
  events[2].source = Source{5, 77};
  events[2].readings = {{1, std::numeric_limits<double>::infinity()},
                        {3, std::numeric_limits<std::int64_t>::min()}};
  return events;
}

inline ForgetRules golden_rules() {
  ForgetRules rules;
  rules.add({"metrics", "room/\u00b0t", 1'594'598'400'000, 1'594'598'460'000});
  return rules;
}

// Of three events of one series, the first two have lost their value and are marks.
inline StoredBlock golden_rest(const StreamId& stream) {
  auto events = golden_events();
  for (Event& event : events) event.readings.resize(1);
  StreamRules rules;
  const ForgetRules all = golden_rules();
  rules.add(1, *all.find(dataset_id("metrics"), "room/\u00b0t"));
  const auto rest = without_forgotten(block_of(stream, 2, events), rules);
  REQUIRE(rest);
  REQUIRE(rest->values == 2);
  return rest->block;
}

inline std::vector<sqlite::StoreRow> golden_rows() {
  using namespace sqlite;
  const StreamId readings = golden_stream(7, StreamClass::kAlarm, 0x11),
                 ours = golden_stream(8, StreamClass::kMetric, 0x11),
                 theirs = golden_stream(8, StreamClass::kMetric, 0x22),
                 present = golden_stream(9, StreamClass::kMetric, 0x11);
  StreamId past = present;  // Of the life before.
  past.incarnation.bytes[15] = 1;
  Identity self{readings.node, readings.incarnation};
  Identity acker{theirs.node, theirs.incarnation}, ended = acker;
  ended.incarnation.bytes[15] = 1;
  const StreamId ruler = golden_stream(static_cast<std::uint64_t>(rules_map()), StreamClass::kMetric, 0x22);
  std::vector<StoreRow> rows{Meta{self, 3, {1'700'000'000'000u << 16 | 5}, golden_rules().digest()}};
  Incarnation first;
  first.bytes[15] = 1;
  rows.emplace_back(NotedIncarnation{first, "created"});
  rows.emplace_back(NotedIncarnation{self.incarnation, "the machine was started anew"});
  for (const StreamId& stream : {readings, ours, theirs, past, present, ruler}) rows.emplace_back(stream);

  Knowledge::Entry known{readings, {}};
  known.known.hold({11, 16});
  known.known.drop({1, 4});
  known.known.declare_void({5, 8});
  known.known.declare_lost(IntervalSet({7, 8}));
  known.known.declare_head(limits::kSeqMax, 16);
  rows.emplace_back(known);
  Knowledge::Entry map{ours, {}};
  map.known.hold({1, 4});
  rows.emplace_back(map);
  Knowledge::Entry rest{present, {}};
  rest.known.drop({1, 1});
  rest.known.hold({2, 4});
  rows.emplace_back(rest);
  Knowledge::Entry rules{ruler, {}};
  rules.known.hold({1, 1});
  rows.emplace_back(rules);

  rows.emplace_back(StreamSeries{readings, {1, "room/\u00b0t", "Cel", ValueType::kDouble}});
  rows.emplace_back(StreamSeries{readings, {2, "room/word", "", ValueType::kString}});
  rows.emplace_back(unnamed_series({readings, 3}));
  rows.emplace_back(StreamSeries{present, {1, "room/\u00b0t", "Cel", ValueType::kDouble}});

  const auto write = [](const StreamId& stream, Seq seq, std::string key, std::string value) {
    MapWrite out{stream.dataset, {}};
    out.entry.key = std::move(key);
    out.entry.version = {0, {(1'700'000'000'000u << 16) + seq}, {stream, seq}};
    out.entry.value = std::move(value);
    return out;
  };
  MapWrite latest = write(ours, 4, "limit", "21"),
           conflict = write(theirs, 2, "limit", std::string("\xff\0", 2));
  latest.entry.untrusted = conflict.entry.untrusted = true;
  latest.entry.past = {{3}, {{0xfedcba9876543210u, 9}}};
  MapWrite removed = write(ours, 3, "old", "");
  removed.entry.tombstone = true;
  removed.entry.version.epoch = 1;
  rows.emplace_back(PlacedEntry{latest, 0});
  rows.emplace_back(PlacedEntry{conflict, 1});
  rows.emplace_back(PlacedEntry{removed, 0});
  const RuleNote note{ruler.node, std::chrono::milliseconds(1'700'000'000'000), "was held in the hand"};
  rows.emplace_back(
      PlacedEntry{write(ruler, 1, rule_key({"metrics", "room/\u00b0t", 1'594'598'400'000, 1'594'598'460'000}),
                        encode(note)),
                  0});

  StoredFloor floor{DatasetId{8}, {}};
  floor.floor.stamp = {1'690'000'000'000u << 16};
  floor.floor.collected.at(golden_stream(8, StreamClass::kMetric, 0x33)).hold({1, 4});
  rows.emplace_back(floor);
  rows.emplace_back(SurfacedWrite{write(theirs, 1, "old", "back again")});
  rows.emplace_back(TierAck{ended, true, {}, {}});
  rows.emplace_back(TierAck{acker, false, readings, IntervalSet({1, 13})});

  // The records themselves are not there, or not any more.
  rows.emplace_back(BootOffset{readings, 4, -500, Quality::kUncertain, {readings, 4}});
  rows.emplace_back(BootOffset{past, 1, 1'780'000'000'000'000'000, Quality::kEstimated, {present, 1}});
  OwnBoot boot{7, past, 1, {}, std::chrono::microseconds(61'250'000)};
  boot.id.bytes.fill(0xb0);
  rows.emplace_back(boot);
  boot = {8, present, 1, boot.id, std::chrono::microseconds(0)};
  boot.id.bytes[0] = 0xb1;
  rows.emplace_back(boot);

  rows.emplace_back(ArrivalRow{5, {std::chrono::seconds(600), std::chrono::milliseconds(1'700'000'000'000)}});
  rows.emplace_back(NumberedBlock{6, block_of(readings, 14, golden_events())});
  auto before = golden_events();
  for (Event& event : before) event.boot = 4;  // Before the clock was set.
  rows.emplace_back(NumberedBlock{7, block_of(readings, 11, before)});
  rows.emplace_back(ArrivalRow{8, {std::chrono::seconds(1200), std::nullopt}});
  rows.emplace_back(NumberedBlock{9, golden_rest(present)});
  return rows;
}

inline std::string make_golden(const TempFolder& folder, const std::string& name) {
  const std::string path = folder.file(name);
  const auto made = sqlite::make_store(path, folder.path().string(), [](sqlite::StoreMaker& maker) {
    Status status = Done{};
    for (const auto& row : golden_rows()) {
      if (status) status = maker.put(row);
    }
    return status;
  });
  if (!made) FAIL(made.error().text);
  return path;
}

// --- Any store
// -----------------------------------------------------------------------------------------------

inline Value random_value(Random& random, SeriesNo series) {
  switch (series % 5) {
    case 0: return random.chance(50);
    case 1: return static_cast<std::int64_t>(random.next());
    case 2: {
      const double some[] = {0.1, -0.0, 5e-324, 1.7976931348623157e308,
                             -std::numeric_limits<double>::infinity()};
      return some[random.below(5)];
    }
    case 3: return std::string(random.below(30), static_cast<char>('a' + random.below(26)));
    default: return random_bytes(random, random.below(40));
  }
}

inline std::vector<Event> random_events(Random& random, std::size_t count) {
  std::vector<Event> events(count);
  const bool counted = random.chance(20);  // Some of them from boots.
  for (Event& event : events) {
    event.time = static_cast<Ticks>(random.next() >> (random.chance(10) ? 1 : 24));
    if (counted) event.boot = static_cast<std::uint32_t>(random.below(3));
    event.quality = static_cast<Quality>(random.below(4));
    if (random.chance(20)) event.source = Source{random.next(), random.below(1000)};
    for (SeriesNo series = 1; series <= 6; ++series)
      if (random.chance(50) || series == 6) event.readings.push_back({series, random_value(random, series)});
  }
  return events;
}

// Streams of telemetry are odd: what is held of them must be there.
inline StreamId telemetry_stream(Random& random) {
  StreamId stream = stream_number(static_cast<std::uint8_t>(random.below(4)));
  stream.dataset = DatasetId{random.chance(50) ? 9u : ~std::uint64_t{0} - 5};
  return stream;
}

inline void add_telemetry(Random& random, Batch& batch) {
  const StreamId stream = telemetry_stream(random);
  Seq first = random.between(1, 300);
  for (std::uint64_t i = random.below(3); i > 0; --i) {
    const auto events = random_events(random, random.between(1, 12));
    batch.blocks.push_back(block_of(stream, first, events));
    first += events.size() + random.below(3);
  }
  for (SeriesNo series = 1; series <= 6; ++series) {
    if (random.chance(15))
      batch.declarations.push_back({stream,
                                    {series, "room \"" + std::to_string(random.below(3)) + "\"/\u20ac",
                                     random.chance(50) ? "\u00b0C" : std::string("\xb0\n", 2),
                                     static_cast<ValueType>(random.below(5))}});
    if (random.chance(10)) batch.unnamed.push_back({stream, series});
  }
  if (random.chance(20)) batch.given_up.push_back({telemetry_stream(random), {1, random.between(1, 350)}});
  if (random.chance(30)) {
    Knowledge::Entry entry{telemetry_stream(random), {}};
    const Seq at = random.between(300, 500);
    entry.known.declare_void({at + 10, at + 12});
    if (random.chance(50)) entry.known.declare_lost(IntervalSet({at + 11, at + 14}));
    if (random.chance(50)) entry.known.drop({at + 30, at + 33});
    entry.known.declare_head(at + 50, random.below(at));
    batch.knowledge.push_back(std::move(entry));
  }
}

inline void add_tiers(Random& random, Batch& batch) {
  TierAck ack{{}, random.chance(20), telemetry_stream(random), {}};
  ack.acker.node.bytes[0] = static_cast<std::uint8_t>(random.below(2));
  ack.acker.incarnation.bytes[0] = static_cast<std::uint8_t>(random.below(3));
  for (std::uint64_t i = random.below(4); i > 0; --i) ack.dots.add({3 * i, 3 * i + random.below(3)});
  if (ack.ended) ack = {ack.acker, true, {}, {}};
  batch.acks.push_back(std::move(ack));
}

inline void add_boots(Random& random, Batch& batch) {
  const StreamId about = telemetry_stream(random);
  StreamId writer = about;
  writer.incarnation.bytes[3] = static_cast<std::uint8_t>(random.below(3));
  for (std::uint64_t i = random.below(4); i > 0; --i)
    batch.offsets.push_back({about,
                             static_cast<std::uint32_t>(random.between(1, limits::kBootsPerStreamMax)),
                             static_cast<Ticks>(random.next()),
                             static_cast<Quality>(random.below(3)),
                             {writer, random.between(1, limits::kSeqMax)}});
  OwnBoot boot{random.between(1, 40), about, 1, {}, {}};
  for (std::uint8_t& byte : boot.id.bytes) byte = static_cast<std::uint8_t>(random.below(256));
  boot.up_max = std::chrono::microseconds(random.next() >> 10);
  batch.own_boots.push_back(boot);
}

inline Batch random_sound_batch(Random& random, std::uint64_t number) {
  Batch batch = random_batch(random, number);
  // Of what that has, the part that is of maps; their knowledge needs nothing to be there.
  batch.blocks.clear();
  batch.given_up.clear();
  batch.declarations.clear();
  if (random.chance(80)) add_telemetry(random, batch);
  if (random.chance(30)) add_tiers(random, batch);
  if (random.chance(30)) add_boots(random, batch);
  if (batch.mark && random.chance(50)) batch.mark->wall = std::chrono::milliseconds(random.next() >> 20);
  if (batch.clock != HlcStamp() && random.chance(50)) batch.clock.bits = random.next();
  if (random.chance(30)) batch.obeyed = random_bytes(random, random.chance(50) ? 16 : 0);
  return batch;
}

// A closed store of some lives, into which random batches were written; those that break a rule are no part
// of it.
inline std::string random_store(const TempFolder& folder, std::uint64_t seed) {
  Random random(seed);
  const std::string path = folder.file("random");
  Batch maps;  // One without any entry is taken for telemetry of which all is missing.
  for (const std::uint8_t n : {std::uint8_t{0}, std::uint8_t{1}}) {
    MapWrite write{stream_number(n).dataset, {}};
    write.entry.key = "always there";
    write.entry.version.dot = {stream_number(n), 1'000};
    maps.entries.push_back(std::move(write));
    maps.pruning.floors.push_back({stream_number(n).dataset, {}});
  }
  for (std::uint64_t life = random.between(1, 3); life > 0; --life) {
    const auto store = open_store_at(path);
    REQUIRE(commit_to(*store, maps));
    for (std::uint64_t i = random.below(25); i > 0; --i) {
      const Status status = commit_to(*store, random_sound_batch(random, i));
      REQUIRE((status || status.error().code == ErrorCode::kInvalid));
    }
    if (random.chance(50)) empty_memory(options_for(path));
  }
  return path;
}

}  // namespace deltamesh::testing
