// tests/tools/dump_test.cc - crdt-dump on stores on disk: what it shows, finds, refuses and leaves alone.
#include <atomic>
#include <thread>

#include "engine/forget_block.h"
#include "tests/tools/dump_fixture.h"

namespace deltamesh::testing {
namespace {

using Catch::Contains;

constexpr std::size_t kEvents = 60;
constexpr const char* kEqual = "equal: 60 dots, 100 samples, 2 keys\n";

StreamId telemetry() {
  return stream_of(kTelemetry, 1);
}

// Two stores of the same contents, one a copy of the other's file.
struct Pair {
  TempFolder folder;
  std::string a = make_store(folder, "a.store", some_contents(kEvents, 10));
  std::string b = copy_store(folder, a, "b.store");
};

TEST_CASE("a copy of a store is equal to it", "[dump]") {
  const Pair stores;
  const Output text = dump({"diff", stores.a, stores.b});
  CHECK(text.status == 0);
  CHECK_THAT(text.text, Catch::EndsWith(kEqual));
  const Output json = dump({"diff", stores.a, stores.b, "--json"});
  CHECK(json.status == 0);
  CHECK_THAT(json.text, Catch::StartsWith("{\"verdict\":\"equal\""));
}

TEST_CASE("stores that cut the same events into other blocks are equal", "[dump]") {
  const TempFolder folder;
  const auto a = make_store(folder, "a.store", some_contents(kEvents, 10));
  const auto b = make_store(folder, "b.store", some_contents(kEvents, 7));
  const Output found = dump({"diff", a, b});
  CHECK(found.status == 0);
  CHECK_THAT(found.text, Catch::EndsWith(kEqual));
}

TEST_CASE("one value changed in a copy of equal knowledge is named", "[dump]") {
  const Pair stores;
  auto events = some_events(kEvents);
  events[33].readings[0].value = 53.6;
  overwrite_block(stores.b, block_of(telemetry(), 31, std::span(events).subspan(30, 10)));
  const Output found = dump({"diff", stores.a, stores.b});
  INFO(found.text);
  CHECK(found.status == 1);
  CHECK_THAT(found.text, Contains("dot 34  room/temperature  time 33000\n    A  53.5\n    B  53.6"));
  CHECK_THAT(found.text, Catch::EndsWith("different: 1 dots with other contents, 1 samples differ\n"));
  const Output json = dump({"diff", stores.a, stores.b, "--json"});
  CHECK(json.status == 1);
  CHECK_THAT(json.text,
             Contains("\"seq\":34,\"time\":33000,\"series\":\"room/temperature\",\"a\":53.5,\"a_type\":"
                      "\"double\",\"b\":53.6"));
}

TEST_CASE("one dot dropped from a copy of equal knowledge is named", "[dump]") {
  const Pair stores;
  const auto events = some_events(kEvents);
  overwrite_block(stores.b, block_of(telemetry(), 11, std::span(events).subspan(10, 9)));
  const Output found = dump({"diff", stores.a, stores.b});
  INFO(found.text);
  CHECK(found.status == 1);
  CHECK_THAT(
      found.text,
      Contains("1 dots only in A\n  telemetry/metric 01000000.09000000  20  (B: held, without the event)"));
  CHECK_THAT(found.text, Contains("B  telemetry/metric 01000000.09000000  20: held, without the event"));
}

TEST_CASE("a whole block taken from a copy of equal knowledge is named", "[dump]") {
  const Pair stores;
  run_raw(stores.b, "DELETE FROM blocks WHERE first = 21");
  const Output found = dump({"diff", stores.a, stores.b});
  INFO(found.text);
  CHECK(found.status == 1);
  CHECK_THAT(found.text, Contains("10 dots only in A\n  telemetry/metric 01000000.09000000  21-30"));
  const Output alone = dump({"diff", stores.b, stores.b});  // It contradicts itself.
  CHECK(alone.status == 1);
  CHECK_THAT(alone.text, Contains("21-30: held, without the event"));
}

TEST_CASE("two swapped values of a map are both named", "[dump]") {
  const Pair stores;
  overwrite_entry(stores.b, write_of("pump/limit", "auto", 1));
  overwrite_entry(stores.b, write_of("pump/mode", "21", 2));
  const Output found = dump({"diff", stores.a, stores.b});
  INFO(found.text);
  CHECK(found.status == 1);
  CHECK_THAT(found.text,
             Contains("settings  pump/limit\n    A  \"21\", epoch 0 at 2023-11-14T22:13:20.000Z+0 by "
                      "01000000.09000000 dot 1\n    B  \"auto\", epoch 0"));
  CHECK_THAT(found.text, Contains("settings  pump/mode\n    A  \"auto\""));
  CHECK_THAT(found.text, Catch::EndsWith("different: 2 map entries differ\n"));
}

TEST_CASE("a stream that only one store has is named from both sides", "[dump]") {
  const TempFolder folder;
  Batch more = some_contents(kEvents, 10);
  for (auto& block : blocks_of(stream_of(kTelemetry, 2), some_events(4), 2)) more.blocks.push_back(block);
  const auto a = make_store(folder, "a.store", some_contents(kEvents, 10));
  const auto b = make_store(folder, "b.store", std::move(more));
  const Output found = dump({"diff", a, b});
  INFO(found.text);
  CHECK(found.status == 1);
  CHECK_THAT(found.text,
             Contains("4 dots only in B\n  telemetry/metric 02000000.09000000  1-4  (A: never heard of)"));
  CHECK_THAT(dump({"diff", b, a}).text, Contains("4 dots only in A"));
}

TEST_CASE("the first findings of a kind are shown, and all are counted", "[dump]") {
  const Pair stores;
  auto events = some_events(kEvents);
  for (Event& event : events) event.readings[0].value = 0.0;
  overwrite_block(stores.b, block_of(telemetry(), 31, std::span(events).subspan(30, 10)));
  const Output found = dump({"diff", stores.a, stores.b, "--limit", "2"});
  CHECK_THAT(found.text, Contains("10 samples differ") && Contains("dot 32") && !Contains("dot 33") &&
                             Contains("... more"));
}

TEST_CASE("what cannot be compared is neither equal nor different, and is left as it is", "[dump]") {
  struct Row {
    const char* sql;
    const char* words;
  };
  const auto row = GENERATE(values<Row>({
      {"UPDATE blocks SET bytes = zeroblob(20) WHERE first = 31", "dots 31 to 40"},
      {"UPDATE blocks SET checksum = checksum + 1 WHERE first = 31", "dots 31 to 40"},
      {"UPDATE map_entries SET value = x'00' WHERE seq = 2", "pump/mode"},
      {"UPDATE series SET unit = 'K' WHERE number = 1", "series 1 of"},
      {"PRAGMA user_version = 99", "version 99"},
      {"PRAGMA application_id = 1", "another application"},
  }));
  CAPTURE(row.sql);
  const Pair stores;
  run_raw(stores.b, row.sql);
  const std::string before = slurp(stores.b);
  for (const auto& found :
       {dump({"diff", stores.a, stores.b}), dump({"diff", stores.b, stores.a}), dump({stores.b})}) {
    INFO(found.text);
    CHECK(found.status == 2);
    CHECK_THAT(found.text, Contains(row.words));
    CHECK_THAT(found.text, Contains("b.store") || Contains("stream of dataset") || Contains("map entry"));
  }
  CHECK(slurp(stores.b) == before);
}

TEST_CASE("a block with a good checksum that does not decode is named", "[dump]") {
  const Pair stores;
  StoredBlock block = block_of(telemetry(), 31, some_events(10));
  block.bytes = std::make_shared<const Bytes>(Bytes(50));
  overwrite_block(stores.b, block);
  const Output found = dump({"diff", stores.a, stores.b});
  CHECK(found.status == 2);
  CHECK_THAT(found.text, Contains("dots 31 to 40 does not decode"));
  CHECK(dump({"blocks", stores.b}).status == 2);
  CHECK(dump({"samples", stores.b, "--dataset", "telemetry", "--series", "room/count", "--raw"}).status == 2);
}

TEST_CASE("a check finds a store sound, or says what is damaged", "[dump]") {
  const TempFolder folder;
  const std::string path = make_store(folder, "a.store", some_contents(kEvents, 10));
  const Output sound = dump({"check", path});
  CHECK(sound.status == 0);
  CHECK_THAT(sound.text, Contains("sound: ") && Contains("6 blocks of 60 events"));

  run_raw(path, "UPDATE blocks SET checksum = 0");
  const Output damaged = dump({"check", path});
  CHECK(damaged.status == 1);
  CHECK_THAT(damaged.text, Contains("dots 1 to 10 fails its checksum") && Contains("DAMAGED: "));
  const Output json = dump({"check", path, "--json"});
  CHECK(json.status == 1);
  CHECK_THAT(json.text, Contains("\"sound\":false") && Contains("\"findings\":[\"blocks: "));
}

TEST_CASE("no store and wrong usage are errors too, and make no store", "[dump]") {
  const TempFolder folder;
  const std::string none = folder.file("none");
  CHECK(dump({none}).status == 2);
  CHECK(dump({"diff", none, none}).status == 2);
  CHECK(!std::filesystem::exists(none));
  CHECK(dump({}).status == 2);
  CHECK(dump({"diff", none}).status == 2);
  CHECK(dump({"samples", none}).status == 2);
  CHECK(dump({"--help"}).status == 0);
}

TEST_CASE("one page shows identity, datasets, streams, knowledge and the catalogue", "[dump]") {
  const Pair stores;
  const auto files = [&stores] {
    return std::distance(std::filesystem::directory_iterator(stores.folder.path()), {});
  };
  const auto before = files();
  const Output text = dump({stores.b});
  INFO(text.text);
  CHECK(text.status == 0);
  CHECK_THAT(text.text,
             Contains("incarnation  ") && Contains("telemetry  telemetry") && Contains("settings   map"));
  CHECK_THAT(text.text, Contains("telemetry/metric 01000000.09000000") && Contains("1-60"));
  CHECK_THAT(text.text, Contains("room/temperature  Cel   double"));
  const Output json = dump({stores.b, "--json"});
  CHECK(json.status == 0);
  CHECK_THAT(json.text, Contains("\"events\":60,\"samples\":100") && Contains("\"held\":[[1,60]]"));
  CHECK_THAT(json.text, Contains("\"keys\":2,\"tombstones\":1"));
  CHECK(files() == before);
}

TEST_CASE("a name that streams declare with other units is a conflict", "[dump]") {
  const TempFolder folder;
  Batch contents = some_contents(kEvents, 10);
  contents.declarations.push_back({stream_of(kTelemetry, 2), {7, "room/temperature", "K", ValueType::kInt}});
  const auto store = make_store(folder, "store", std::move(contents));
  for (const auto& found : {dump({store}), dump({"catalogue", store})}) {
    CHECK_THAT(found.text, Contains("CONFLICT") && Contains("telemetry/metric 02000000.09000000"));
  }
  CHECK_THAT(dump({"catalogue", store, "--json"}).text,
             Contains("\"conflict\":true") && Contains("\"number\":7"));
}

TEST_CASE("blocks, samples, entries and knowledge can be asked for alone", "[dump]") {
  const Pair stores;
  const std::string& store = stores.a;
  CHECK_THAT(dump({"blocks", store}).text, Contains("51    60") && Contains("1970-01-01T00:00:59.000Z"));
  CHECK(dump({"blocks", store, "--stream", "02"}).text.empty());
  CHECK_THAT(dump({"blocks", store, "--stream", "01.09", "--json"}).text,
             Contains("\"first\":51,\"last\":60"));
  CHECK_THAT(dump({"knowledge", store}).text,
             Contains("head 60") && Contains("held     60 in 1 intervals: 1-60"));
  CHECK_THAT(dump({"knowledge", store, "--json"}).text, Contains("\"held\":[[1,60]]"));
  CHECK_THAT(dump({"entries", store, "--dataset", "settings"}).text,
             Contains("pump/limit  \"21\"") && !Contains("old"));
  CHECK_THAT(dump({"entries", store, "--dataset", "settings", "--tombstones", "--json"}).text,
             Contains("\"key\":\"old\"") && Contains("\"tombstone\":true,\"clock_trusted\":true}"));
}

TEST_CASE("writes in conflict with the entries of a map are shown when asked for", "[dump]") {
  const TempFolder folder;
  Batch contents = some_contents(kEvents, 10);
  MapWrite other = write_of("pump/mode", "manual", 1);
  other.entry.version.dot.stream = stream_of(kSettings, 2);
  other.entry.untrusted = true;
  contents.entries.push_back(other);
  const auto store = make_store(folder, "store", std::move(contents));
  CHECK_THAT(dump({"entries", store, "--dataset", "settings"}).text,
             Contains("\"manual\"") && Contains("clock not trusted") && !Contains("\"auto\""));
  CHECK_THAT(dump({"entries", store, "--dataset", "settings", "--conflicts"}).text,
             Contains("pump/mode  \"auto\"") && !Contains("manual") && !Contains("pump/limit"));
  CHECK_THAT(dump({"entries", store, "--dataset", "settings", "--conflicts", "--json"}).text,
             Contains("\"clock_trusted\":true,\"value\":\"auto\""));
  CHECK(dump({"check", store}).status == 0);
}

TEST_CASE("writes that came too late for a map are shown when asked for", "[dump]") {
  const TempFolder folder;
  Batch contents = some_contents(kEvents, 10);
  MapWrite late = write_of("pump/mode", "manual", 1);
  late.entry.version.dot.stream = stream_of(kSettings, 2);
  contents.pruning.surfaced.push_back(late);
  StoredFloor floor{late.dataset, {}};
  floor.floor.stamp.bits = 1;
  contents.pruning.floors.push_back(floor);
  const auto store = make_store(folder, "store", std::move(contents));
  CHECK_THAT(dump({"entries", store, "--dataset", "settings"}).text, !Contains("\"manual\""));
  CHECK_THAT(dump({"entries", store, "--dataset", "settings", "--surfaced"}).text,
             Contains("pump/mode  \"manual\"") && !Contains("pump/limit"));
  CHECK(dump({"check", store}).status == 0);
}

TEST_CASE("a dataset of which the store holds nothing is taken for a slip of the hand", "[dump]") {
  const Pair stores;
  for (const char* question : {"blocks", "entries"}) {
    const Output found = dump({question, stores.a, "--dataset", "setings"});
    CHECK(found.status == 2);
    CHECK_THAT(found.text, Contains("holds nothing of a dataset \"setings\""));
  }
  CHECK(dump({"blocks", stores.a, "--dataset", "telemetry"}).status == 0);
}

// A store in which rules name samples 11 to 20 of one series, and all of the other; of the blocks, the first
// three were written anew.
std::string make_ruled_store(const TempFolder& folder) {
  const ForgetRule some{"telemetry", "room/temperature", 10'000, 19'000},
      all{"telemetry", "room/count", kTimeOpenFrom, kTimeOpenTo};
  ForgetRules rules;
  Batch contents = some_contents(kEvents, 10);
  Seq seq = 0;
  for (const ForgetRule& rule : {some, all}) {
    rules.add(rule);
    MapWrite write{rules_map(), {}};
    write.entry.key = rule_key(rule);
    write.entry.version = {0, {1'700'000'000'000 << 16}, {stream_of(rules_map(), 1), ++seq}};
    write.entry.value =
        encode(RuleNote{stream_of(rules_map(), 1).node, std::chrono::milliseconds(1'700'000'000'000),
                        "reason " + std::to_string(seq)});
    contents.entries.push_back(write);
  }
  Knowledge::Entry known{stream_of(rules_map(), 1), {}};
  known.known.hold({1, seq});
  contents.knowledge.push_back(known);
  StreamRules by_number;
  by_number.add(1, *rules.find(kTelemetry, some.series));
  by_number.add(2, *rules.find(kTelemetry, all.series));
  for (std::size_t i = 0; i < 3; ++i) {
    if (const auto rest = without_forgotten(contents.blocks[i], by_number)) contents.blocks[i] = rest->block;
  }
  return make_store(folder, "ruled", std::move(contents));
}

TEST_CASE("no question shows what a rule names, whether it is removed or not", "[dump][forget]") {
  const TempFolder folder;
  const std::string store = make_ruled_store(folder);
  const auto lines = [&](const char* series, std::vector<std::string> more) {
    std::vector<std::string> arguments{"samples", store, "--dataset", "telemetry", "--series", series};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Output found = dump(arguments);
    INFO(found.text);
    CHECK(found.status == 0);
    return std::count(found.text.begin(), found.text.end(), '\n');
  };
  CHECK(lines("room/temperature", {}) == 50);
  CHECK(lines("room/temperature", {"--raw"}) == 50);
  CHECK(lines("room/temperature", {"--raw", "--from", "9000", "--to", "20000"}) == 2);
  CHECK(lines("room/count", {}) == 0);
  CHECK(lines("room/count", {"--raw"}) == 0);
}

TEST_CASE("rules are shown with who wrote them and why, and whether they are obeyed", "[dump][forget]") {
  const TempFolder folder;
  const std::string store = make_ruled_store(folder);
  const Output text = dump({"forgotten", store});
  INFO(text.text);
  CHECK(text.status == 0);
  CHECK_THAT(text.text, Contains("telemetry  room/temperature  1970-01-01T00:00:10.000Z  "
                                 "1970-01-01T00:00:19.000Z  2023-11-14T22:13:20.000Z  01000000  reason 1"));
  CHECK_THAT(text.text, Contains("telemetry  room/count        *"));
  CHECK_THAT(
      text.text,
      Catch::EndsWith("2 rules; what they name is hidden, and is still to be removed from the store\n"));
  const Output json = dump({"forgotten", store, "--dataset", "telemetry", "--json"});
  CHECK_THAT(json.text, Contains("{\"dataset\":\"telemetry\",\"series\":\"room/count\",\"node\":\"01"));
  CHECK_THAT(json.text, Contains("\"from\":10000,\"to\":19000") && Contains("\"removed\":false"));
  CHECK_THAT(dump({"forgotten", store, "--dataset", "other"}).text, Catch::StartsWith("0 rules;"));
  CHECK_THAT(dump({"entries", store, "--dataset", "$rules"}).text, Contains("room/count telemetry * *"));
}

TEST_CASE("events of which nothing is left are counted as such, and are no samples", "[dump][forget]") {
  const TempFolder folder;
  const std::string store = make_ruled_store(folder);
  // Of ten events, six or seven had a second value; of the second ten, nothing is left.
  const Output blocks = dump({"blocks", store, "--dataset", "telemetry", "--json"});
  INFO(blocks.text);
  CHECK_THAT(blocks.text, Contains("\"first\":1,\"last\":10,\"events\":10,\"samples\":10,\"marks\":0"));
  CHECK_THAT(blocks.text, Contains("\"first\":11,\"last\":20,\"events\":10,\"samples\":0,\"marks\":10"));
  CHECK_THAT(blocks.text, Contains("\"first\":31,\"last\":40,\"events\":10,\"samples\":17,\"marks\":0"));
  CHECK_THAT(dump({store, "--json"}).text, Contains("\"events\":60,\"samples\":70,\"marks\":10"));
  CHECK(dump({"check", store}).status == 0);
}

TEST_CASE("samples are shown as a set or dot by dot, within a time range and a limit", "[dump]") {
  const TempFolder folder;
  Batch contents = some_contents(kEvents, 10);
  const StreamId other = stream_of(kTelemetry, 2);  // A second gateway with the same samples.
  for (auto& block : blocks_of(other, some_events(kEvents), 10)) contents.blocks.push_back(block);
  for (auto& series : series_of(other)) contents.declarations.push_back(series);
  const auto store = make_store(folder, "store", std::move(contents));
  const auto lines = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"samples",   store,      "--dataset",
                                       "telemetry", "--series", "room/temperature"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Output found = dump(arguments);
    INFO(found.text);
    CHECK(found.status == 0);
    return std::count(found.text.begin(), found.text.end(), '\n');
  };
  CHECK(lines({}) == 60);
  CHECK(lines({"--raw"}) == 120);
  CHECK(lines({"--raw", "--stream", "02"}) == 60);
  CHECK(lines({"--from", "1000", "--to", "1970-01-01T00:00:03Z"}) == 3);
  CHECK(lines({"--raw", "--from", "1000", "--to", "3000"}) == 6);
  CHECK(lines({"--limit", "5"}) == 6);  // And that there are more.
  CHECK(lines({"--raw", "--limit", "120"}) == 120);
  CHECK(dump({"samples", store, "--dataset", "telemetry", "--series", "no such"}).status == 2);
  // The set belongs to no stream.
  const Output of_stream =
      dump({"samples", store, "--dataset", "telemetry", "--series", "room/count", "--stream", "02"});
  CHECK(of_stream.status == 2);
  CHECK_THAT(of_stream.text, Contains("--stream") && Contains("--raw"));
  CHECK(dump({"samples", store, "--dataset", "telemetry", "--series", "room/count", "--from", "-"}).status ==
        2);
}

TEST_CASE("integers beyond 2^53 are strings in JSON, and bytes are hex", "[dump]") {
  const TempFolder folder;
  Batch contents = some_contents(1, 1);
  Event event;
  event.readings = {{1, 0.1},
                    {2, std::int64_t{-9'007'199'254'740'993}},
                    {3, Bytes{std::byte{0xfe}}},
                    {4, std::string("a\"\n")}};
  contents.blocks = blocks_of(telemetry(), {event}, 1);
  contents.declarations.push_back({telemetry(), {3, "raw", "", ValueType::kBytes}});
  contents.declarations.push_back({telemetry(), {4, "words", "", ValueType::kString}});
  const auto store = make_store(folder, "store", std::move(contents));
  const auto sample = [&](const std::string& series) {
    return dump({"samples", store, "--dataset", "telemetry", "--series", series, "--json"}).text;
  };
  CHECK_THAT(sample("room/temperature"), Contains("\"value\":0.1,"));
  CHECK_THAT(sample("room/count"), Contains("\"value\":\"-9007199254740993\","));
  CHECK_THAT(sample("raw"), Contains("\"value\":{\"hex\":\"fe\"},"));
  CHECK_THAT(sample("words"), Contains("\"value\":\"a\\\"\\u000a\","));
}

TEST_CASE("a store that a node is writing is shown in one state, and can be compared", "[dump]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  const auto store = open_store_at(path);
  REQUIRE(commit_to(*store, some_contents(10, 10)));
  const auto copy = make_store(folder, "copy", some_contents(10, 10));
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> refused{0};
  std::thread writing([&] {
    const auto events = some_events(10);
    for (Seq first = 11; !done; first += 10) {
      Batch batch;
      batch.blocks = {block_of(telemetry(), first, events)};
      if (!commit_to(*store, std::move(batch))) ++refused;
    }
  });
  for (int i = 0; i < 5; ++i) {
    const Output page = dump({path, "--json"});
    INFO(page.text);
    CHECK(page.status == 0);
    const auto number_after = [&page](const std::string& word) {
      const auto at = page.text.find(word);
      return at == std::string::npos
                 ? std::string()
                 : page.text.substr(at + word.size(),
                                    page.text.find_first_of(",]", at + word.size()) - at - word.size());
    };
    CHECK(number_after("\"head\":") == number_after("\"held\":[[1,"));
    CHECK_THAT(page.text, Contains("\"events\":" + number_after("\"head\":") + ","));
    const Output found = dump({"diff", path, copy});
    CHECK(found.status == 1);
    CHECK_THAT(found.text, Contains("dots only in A") && !Contains("contradicts"));
  }
  done = true;
  writing.join();
  CHECK(refused == 0);
}

}  // namespace
}  // namespace deltamesh::testing
