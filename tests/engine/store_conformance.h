// tests/engine/store_conformance.h - the contract of engine/store.h as code; every store passes it.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tests/engine/store_model.h"

namespace deltamesh {

// A store with what the cases need beside it.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual Store& store() = 0;
  virtual const StoreReader& reader() = 0;
  virtual void settle() = 0;  // Returns once all that was committed is reported.
  virtual void reopen() = 0;  // As if the process had ended and started again.
  virtual Identity identity() = 0;
};

namespace conformance {

inline Status commit(StoreUnderTest& test, Batch batch) {
  Status outcome = Error{ErrorCode::kClosed, "never reported"};
  test.store().commit(std::move(batch), [&outcome](BatchId, Status status) { outcome = std::move(status); });
  test.settle();
  return outcome;
}

inline std::vector<StoredBlock> visited(const StoreReader& reader, const StreamId& stream, Ticks from,
                                        Ticks to, StoreReader::Order order) {
  std::vector<StoredBlock> found;
  REQUIRE(reader.visit_blocks(stream, from, to, order, [&found](const StoredBlock& block) {
    found.push_back(block);
    return true;
  }));
  return found;
}

inline void check_blocks(const StoreReader& reader, const StoreModel& model, Random& random) {
  const StreamId stream = stream_number(static_cast<std::uint8_t>(random.below(5)));
  const Seq first = random.between(1, 450);
  const Interval dots{first, first + random.below(100)};
  const auto found = reader.blocks(stream, dots, 1u << 20);
  REQUIRE(found);
  CHECK(same_blocks(*found, model.blocks_where(stream, [&dots](const StoredBlock& block) {
    return block.first <= dots.last && block.interval().last >= dots.first;
  })));

  const BootOffsets offsets = model.offsets(stream);
  CHECK(reader.offsets(stream)->all() == offsets.all());
  std::vector<StoredBlock> unplaced;
  REQUIRE(reader.visit_unplaced(stream, [&](const StoredBlock& block) {
    unplaced.push_back(block);
    return true;
  }));
  CHECK(same_blocks(unplaced, model.blocks_where(stream, [&](const StoredBlock& block) {
    bool lacks = false;
    for (std::uint32_t boot = 0; block.boots && boot <= block.boots->boot_max; ++boot)
      lacks |= boot >= block.boots->boot_min && offsets.find(boot) == nullptr;
    return lacks;
  })));

  const Ticks from = static_cast<Ticks>(random.below(2400)) - 1200,
              to = from + static_cast<Ticks>(random.below(500));
  auto expected = model.blocks_where(stream, [&, from, to](const StoredBlock& block) {
    if (!block.has_utc && !block.boots) return true;
    bool may = block.has_utc && block.time_min <= to && block.time_max >= from;
    for (const BootOffset& one : offsets.all())
      may |= block.boots && one.boot >= block.boots->boot_min && one.boot <= block.boots->boot_max &&
             block.boots->ticks_min + one.ticks <= to && block.boots->ticks_max + one.ticks >= from;
    return may;
  });
  CHECK(same_blocks(visited(reader, stream, from, to, StoreReader::Order::kOldestFirst), expected));
  std::reverse(expected.begin(), expected.end());
  CHECK(same_blocks(visited(reader, stream, from, to, StoreReader::Order::kNewestFirst), expected));
  const auto all = model.blocks_where(stream, [](const StoredBlock&) { return true; });
  CHECK(same_blocks(visited(reader, stream, std::numeric_limits<Ticks>::min(),
                            std::numeric_limits<Ticks>::max(), StoreReader::Order::kOldestFirst),
                    all));
}

inline void check_series(const StoreReader& reader, const StoreModel& model) {
  for (const DatasetId dataset : {DatasetId{7}, DatasetId{~std::uint64_t{0} - 3}}) {
    std::vector<StreamSeries> expected;
    for (const auto& [key, decl] : model.declarations)
      if (key.first.dataset == dataset) expected.push_back({key.first, decl});
    std::sort(expected.begin(), expected.end(), [](const StreamSeries& a, const StreamSeries& b) {
      return std::tie(a.decl.name, a.stream, a.decl.number) < std::tie(b.decl.name, b.stream, b.decl.number);
    });
    const auto all = reader.series(dataset, std::nullopt);
    REQUIRE(all);
    CHECK(*all == expected);
    expected.erase(std::remove_if(expected.begin(), expected.end(),
                                  [](const auto& s) { return s.decl.name != "room/b"; }),
                   expected.end());
    const auto named = reader.series(dataset, "room/b");
    REQUIRE(named);
    CHECK(*named == expected);
  }
}

// Pages that begin at, before and behind each key, cut by number and by bytes.
inline void check_pages(const StoreReader& reader, DatasetId dataset, const std::vector<MapEntry>& all) {
  const std::string end(1, '\0');
  for (std::size_t i = 0; i <= all.size(); ++i) {
    const std::string from = i == 0 ? std::string() : all[i - 1].key + end;
    const std::vector<MapEntry> rest(all.begin() + static_cast<std::ptrdiff_t>(i), all.end());
    CHECK(*reader.entries(dataset, {from}) == rest);
    CHECK(reader.entries(dataset, {from, 2})->size() == std::min<std::size_t>(2, rest.size()));
    CHECK(reader.entries(dataset, {from, 2, 0})->size() == std::min<std::size_t>(1, rest.size()));
    CHECK(reader.entries(dataset, {from, 0})->empty());
    if (!rest.empty()) CHECK(reader.entries(dataset, {rest.front().key, 1})->front() == rest.front());
  }
}

inline void check_entries(const StoreReader& reader, const StoreModel& model) {
  for (const auto& [dataset, map] : model.maps) {
    std::vector<MapEntry> expected;
    for (const auto& [key, entry] : map.entries()) expected.push_back(entry);
    const auto all = reader.entries(dataset, {});
    REQUIRE(all);
    CHECK(*all == expected);
    check_pages(reader, dataset, expected);
    for (const MapEntry& entry : expected) {
      const auto one = reader.entry(dataset, entry.key);
      REQUIRE(one);
      CHECK(*one == entry);
    }
    std::vector<MapEntry> conflicts;
    for (const auto& [key, writes] : map.conflicts())
      conflicts.insert(conflicts.end(), writes.begin(), writes.end());
    const auto left = reader.conflicts(dataset, {});
    REQUIRE(left);
    CHECK(*left == conflicts);
    const auto none = reader.entry(dataset, "no such key");
    REQUIRE(none);
    CHECK(!none->has_value());
  }
}

// All writes of a key are on one page, or none.
inline void check_surfaced(const StoreReader& reader, const StoreModel& model) {
  for (const auto& [dataset, writes] : model.surfaced) {
    std::vector<MapEntry> expected;
    for (const auto& [name, entry] : writes) expected.push_back(entry);
    CHECK(*reader.surfaced(dataset, {}) == expected);
    const auto first_key = [&](const MapEntry& entry) { return entry.key == expected[0].key; };
    CHECK(reader.surfaced(dataset, {{}, 1})->size() ==
          static_cast<std::size_t>(std::count_if(expected.begin(), expected.end(), first_key)));
    CHECK(reader.surfaced(dataset, {expected.back().key + '\0'})->empty());
  }
  CHECK(reader.surfaced(DatasetId{1}, {})->empty());
}

inline void check_image(const StoreReader& reader, const StoreModel& model, const Identity& identity) {
  const auto image = reader.image();
  REQUIRE(image);
  CHECK(image->identity == identity);
  CHECK(image->clock == model.clock);
  CHECK(image->obeyed == model.obeyed);
  std::vector<OwnBoot> own_boots;
  for (const auto& [place, boot] : model.own_boots) own_boots.push_back(boot);
  CHECK(image->own_boots == own_boots);
  const auto knowledge = reader.knowledge();
  REQUIRE(knowledge);
  CHECK(image->knowledge == *knowledge);
  std::size_t known = 0;
  for (const auto& [stream, state] : model.streams) {
    const StreamKnowledge* there = knowledge->find(stream);
    CHECK(state.equals(there != nullptr ? *there : StreamKnowledge{}));
    known += there != nullptr ? 1 : 0;
  }
  CHECK(knowledge->entries().size() == known);

  std::vector<StreamSeries> series;
  for (const auto& [key, decl] : model.declarations) series.push_back({key.first, decl});
  CHECK(image->series == series);
  std::size_t at = 0;
  for (const auto& [dataset, map] : model.maps) {
    for (const auto& [key, entry] : map.entries()) {
      for (const MapEntry* const write : map.writes(key)) {
        REQUIRE(at < image->entries.size());
        CHECK(image->entries[at].dataset == dataset);
        CHECK(image->entries[at++].entry == *write);
      }
    }
  }
  CHECK(at == image->entries.size());
  std::map<DatasetId, MapFloor> floors;
  for (const auto& [dataset, floor] : image->floors) CHECK(floors.emplace(dataset, floor).second);
  CHECK(floors == model.floors);
  std::size_t surfaced = 0;
  for (const auto& [dataset, writes] : model.surfaced) surfaced += writes.size();
  CHECK(image->surfaced == surfaced);
}

inline void holds_what_a_model_holds(StoreUnderTest& test) {
  Random random(20);
  StoreModel model;
  std::vector<bool> expected, seen;
  std::vector<std::uint64_t> order;
  for (std::uint64_t i = 0; i < 300; ++i) {
    Batch batch = random_batch(random, i);
    if (!model.blocks.empty() && random.chance(30)) {
      const StoredBlock& block = model.blocks[random.below(model.blocks.size())];
      batch.rewritten.push_back(random_block(random, block.stream, block.first, block.events));
    }
    if (const auto merged = random.chance(40) ? random_merge(random, model.blocks) : std::nullopt)
      batch.merged.push_back(*merged);
    if (random.chance(10)) batch.obeyed = Bytes(random.chance(50) ? 16 : 0, std::byte{9});
    expected.push_back(model.take(batch));
    test.store().commit(std::move(batch), [&seen, &order](BatchId id, const Status& status) {
      seen.push_back(status.ok());
      order.push_back(static_cast<std::uint64_t>(id));
    });
    if (random.chance(20)) test.settle();
    if (random.chance(2)) test.reopen();
  }
  test.settle();
  CHECK(seen == expected);
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(order.size() == 300);
  CHECK(std::count(expected.begin(), expected.end(), false) > 10);
  for (int pass = 0; pass < 2; ++pass) {
    for (int i = 0; i < 60; ++i) check_blocks(test.reader(), model, random);
    check_series(test.reader(), model);
    check_entries(test.reader(), model);
    check_surfaced(test.reader(), model);
    check_image(test.reader(), model, test.identity());
    test.reopen();
  }
}

inline void a_refused_batch_leaves_no_trace(StoreUnderTest& test) {
  Random random(1);
  const StreamId stream = stream_number(1), other = stream_number(2);
  Batch good;
  good.blocks.push_back(random_block(random, stream, 10, 5));
  REQUIRE(commit(test, good));
  const auto before = test.reader().image();
  REQUIRE(before);

  Batch bad;
  bad.declarations.push_back({other, {1, "room/t", "Cel", ValueType::kDouble}});
  bad.entries.push_back(random_write(random));
  bad.blocks.push_back(random_block(random, other, 1, 3));
  bad.blocks.push_back(random_block(random, stream, 14, 1));  // Held already.
  bad.clock.bits = 99;
  const Status status = commit(test, bad);
  REQUIRE(!status);
  CHECK(status.error().code == ErrorCode::kInvalid);
  CHECK(status.error().text.find("dots 14 to 14") != std::string::npos);

  for (int pass = 0; pass < 2; ++pass, test.reopen()) {
    const auto after = test.reader().image();
    REQUIRE(after);
    CHECK(after->knowledge == before->knowledge);
    CHECK(after->series.empty());
    CHECK(after->entries.empty());
    CHECK(after->clock == before->clock);
    CHECK(test.reader().blocks(other, {1, 100}, 1000)->empty());
  }
}

inline void one_refused_batch_does_not_touch_its_neighbours(StoreUnderTest& test) {
  Random random(2);
  std::vector<bool> seen;
  for (const Seq first : {Seq{1}, Seq{5}, Seq{11}}) {  // The second overlaps the first.
    Batch batch;
    batch.blocks.push_back(
        random_block(random, stream_number(1), first, 10 - static_cast<std::uint32_t>(first) / 2));
    test.store().commit(std::move(batch),
                        [&seen](BatchId, const Status& status) { seen.push_back(status.ok()); });
  }
  test.settle();
  CHECK(seen == std::vector<bool>{true, false, true});
  CHECK(test.reader().blocks(stream_number(1), {1, 100}, 1u << 20)->size() == 2);
}

inline void refuses_what_breaks_a_rule(StoreUnderTest& test) {
  Random random(3);
  const StreamId stream = stream_number(1);
  struct Row {
    const char* what;
    std::function<void(Batch&)> spoil;
  };
  const MapWrite write = random_write(random);
  const Row rows[] = {
      {"no events", [](Batch& b) { b.blocks[0].events = 0; }},
      {"dot zero", [](Batch& b) { b.blocks[0].first = 0; }},
      {"beyond the last number", [](Batch& b) { b.blocks[0].first = ~Seq{0} - 1; }},
      {"no bytes", [](Batch& b) { b.blocks[0].bytes = nullptr; }},
      {"empty bytes", [](Batch& b) { b.blocks[0].bytes = std::make_shared<const Bytes>(); }},
      {"time backwards",
       [](Batch& b) { b.blocks[0].has_utc = true, b.blocks[0].time_min = b.blocks[0].time_max + 1; }},
      {"boot zero",
       [](Batch& b) {
         b.blocks[0].boots = BootSpan{0, 1, 0, 0};
       }},
      {"boots backwards",
       [](Batch& b) {
         b.blocks[0].boots = BootSpan{2, 1, 0, 0};
       }},
      {"ticks backwards",
       [](Batch& b) {
         b.blocks[0].boots = BootSpan{1, 1, 1, 0};
       }},
      {"a name for the series of records",
       [](Batch& b) {
         b.declarations.push_back({b.blocks[0].stream, {kBootSeries, "room/t", "", ValueType::kInt}});
       }},
      {"offset of no boot",
       [](Batch& b) {
         b.offsets.push_back({b.blocks[0].stream, 0, 0, Quality::kGood, {}});
       }},
      {"offset of a boot beyond the bound",
       [](Batch& b) {
         b.offsets.push_back({b.blocks[0].stream, limits::kBootsPerStreamMax + 1, 0, Quality::kGood, {}});
       }},
      {"offset of a bad clock",
       [](Batch& b) {
         b.offsets.push_back({b.blocks[0].stream, 1, 0, Quality::kBad, {}});
       }},
      {"own boot without a place",
       [](Batch& b) {
         b.own_boots.push_back({0, b.blocks[0].stream, 1, {}, {}});
       }},
      {"a merged block without bytes",
       [](Batch& b) {
         b.merged.push_back(b.blocks[0]);
         b.merged[0].bytes = nullptr;
       }},
      {"a block written anew without bytes",
       [](Batch& b) {
         b.rewritten.push_back(b.blocks[0]);
         b.rewritten[0].bytes = nullptr;
       }},
      {"a digest of rules that is none", [](Batch& b) { b.obeyed = Bytes(15); }},
      {"overlap within", [](Batch& b) { b.blocks.push_back(b.blocks[0]); }},
      {"series without name",
       [&stream](Batch& b) {
         b.declarations.push_back({stream, {1, "", "", ValueType::kInt}});
       }},
      {"long unit",
       [&stream](Batch& b) {
         b.declarations.push_back({stream, {1, "t", std::string(65, 'x'), ValueType::kInt}});
       }},
      {"unknown type",
       [&stream](Batch& b) {
         b.declarations.push_back({stream, {1, "t", "", static_cast<ValueType>(5)}});
       }},
      {"long key",
       [&write](Batch& b) { b.entries = {write}, b.entries[0].entry.key = std::string(513, 'x'); }},
      {"tombstone with value",
       [&write](Batch& b) {
         b.entries = {write}, b.entries[0].entry.tombstone = true, b.entries[0].entry.value = "x";
       }},
      {"entry without number",
       [&write](Batch& b) { b.entries = {write}, b.entries[0].entry.version.dot.seq = 0; }},
      {"entry of another dataset",
       [&write](Batch& b) { b.entries = {write}, b.entries[0].dataset = DatasetId{1}; }},
      {"too many gaps",
       [&stream](Batch& b) {
         b.knowledge.push_back({stream, {}});
         for (Seq seq = 10'000; seq < 50'000; seq += 2) b.knowledge[0].known.hold({seq, seq});
       }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Batch batch;
    batch.blocks.push_back(random_block(random, stream, 1, 5));
    row.spoil(batch);
    CHECK(!commit(test, std::move(batch)));
  }
  CHECK(test.reader().knowledge()->empty());
  Batch batch;
  batch.blocks.push_back(random_block(random, stream, 1, 5));
  CHECK(commit(test, std::move(batch)));
}

inline void reads_blocks_up_to_a_size(StoreUnderTest& test) {
  Random random(4);
  const StreamId stream = stream_number(1);
  Batch batch;
  for (Seq first = 1; first <= 91; first += 10) {
    batch.blocks.push_back(random_block(random, stream, first, 10));
    batch.blocks.back().bytes = std::make_shared<const Bytes>(random_bytes(random, 100));
  }
  REQUIRE(commit(test, std::move(batch)));
  CHECK(test.reader().blocks(stream, {1, 100}, 0)->size() == 1);
  CHECK(test.reader().blocks(stream, {1, 100}, 99)->size() == 1);
  CHECK(test.reader().blocks(stream, {1, 100}, 100)->size() == 2);
  CHECK(test.reader().blocks(stream, {1, 100}, 1u << 20)->size() == 10);
  CHECK(test.reader().blocks(stream, {10, 11}, 1u << 20)->size() == 2);
  CHECK(test.reader().blocks(stream, {10, 10}, 1u << 20)->size() == 1);
  CHECK(test.reader().blocks(stream, {101, ~Seq{0}}, 1u << 20)->empty());
  CHECK(test.reader().blocks(stream, {95, ~Seq{0}}, 1u << 20)->size() == 1);
}

inline void a_series_without_a_declaration_is_named_later(StoreUnderTest& test) {
  const StreamId stream = stream_number(1);
  Batch first;
  first.declarations.push_back({stream, {1, "room/t", "Cel", ValueType::kDouble}});
  first.unnamed = {{stream, 1}, {stream, 2}, {stream, 3}};
  REQUIRE(commit(test, std::move(first)));
  test.reopen();
  CHECK(test.reader().image()->unnamed == std::vector<SeriesKey>{{stream, 2}, {stream, 3}});
  CHECK(test.reader().image()->series.size() == 1);
  CHECK(test.reader().series(stream.dataset, std::nullopt)->size() == 1);
  Batch second;
  second.declarations.push_back({stream, {2, "room/h", "%", ValueType::kInt}});
  second.declarations.push_back({stream, {1, "another", "", ValueType::kInt}});
  second.unnamed = {{stream, 2}};
  REQUIRE(commit(test, std::move(second)));
  test.reopen();
  CHECK(test.reader().image()->unnamed == std::vector<SeriesKey>{{stream, 3}});
  const auto named = test.reader().series(stream.dataset, std::nullopt);
  REQUIRE(named);
  REQUIRE(named->size() == 2);
  CHECK(named->at(0).decl == SeriesDecl{2, "room/h", "%", ValueType::kInt});
  CHECK(named->at(1).decl == SeriesDecl{1, "room/t", "Cel", ValueType::kDouble});
}

inline void a_visit_ends_when_it_is_told_to(StoreUnderTest& test) {
  Random random(5);
  Batch batch;
  for (Seq first = 1; first <= 5; ++first) {
    batch.blocks.push_back(random_block(random, stream_number(1), first, 1));
    batch.blocks.back().has_utc = false;
    batch.blocks.back().time_min = batch.blocks.back().time_max = 0;
    batch.blocks.back().boots.reset();
  }
  REQUIRE(commit(test, std::move(batch)));
  std::vector<Seq> seen;
  REQUIRE(test.reader().visit_blocks(stream_number(1), 0, 0, StoreReader::Order::kNewestFirst,
                                     [&](const StoredBlock& block) {
                                       seen.push_back(block.first);
                                       CHECK(test.reader().knowledge()->holds(
                                           {stream_number(1), block.first}));  // Asking meanwhile is allowed.
                                       return seen.size() < 2;
                                     }));
  CHECK(seen == std::vector<Seq>{5, 4});
}

inline void a_callback_may_commit(StoreUnderTest& test) {
  Random random(6);
  int reported = 0;
  Batch second;
  second.blocks.push_back(random_block(random, stream_number(1), 2, 1));
  Batch first;
  first.blocks.push_back(random_block(random, stream_number(1), 1, 1));
  test.store().commit(std::move(first), [&](BatchId, const Status&) {
    ++reported;
    test.store().commit(second,
                        [&reported](BatchId, const Status& status) { reported += status.ok() ? 1 : 0; });
  });
  test.settle();
  test.settle();
  CHECK(reported == 2);
}

inline Batch one_block(Random& random, const StreamId& stream, Seq first, std::uint32_t events) {
  Batch batch;
  batch.blocks.push_back(random_block(random, stream, first, events));
  return batch;
}

inline std::vector<Seq> firsts(const StoreReader& reader, const StreamId& stream, Seq from) {
  const auto blocks = reader.held_blocks(stream, from, 100);
  REQUIRE(blocks);
  std::vector<Seq> out;
  for (const HeldBlock& block : *blocks) out.push_back(block.dots.first);
  return out;
}

inline void it_tells_what_can_be_given_up(StoreUnderTest& test) {
  Random random(7);
  const StreamId stream = stream_number(1), other = stream_number(2);
  std::uint64_t bytes = 0;
  for (const Seq first : {Seq{21}, Seq{11}, Seq{1}}) {
    const Batch batch = one_block(random, stream, first, 10);
    bytes += batch.blocks[0].bytes->size();
    REQUIRE(commit(test, batch));
  }
  REQUIRE(commit(test, one_block(random, other, 1, 10)));
  for (int pass = 0; pass < 2; ++pass, test.reopen()) {
    const auto blocks = test.reader().held_blocks(stream, 1, 2);
    REQUIRE(blocks);
    REQUIRE(blocks->size() == 2);
    CHECK((*blocks)[0].dots == Interval{1, 10});
    CHECK((*blocks)[1].dots == Interval{11, 20});
    CHECK((*blocks)[0].arrival > (*blocks)[1].arrival);  // It came later.
    CHECK(firsts(test.reader(), stream, 12) == std::vector<Seq>{21});
    CHECK(*test.reader().block_bytes(stream) == bytes);
  }
  Batch batch;
  batch.given_up = {{stream, {1, 20}}};
  REQUIRE(commit(test, batch));
  for (int pass = 0; pass < 2; ++pass, test.reopen()) {
    CHECK(firsts(test.reader(), stream, 1) == std::vector<Seq>{21});
    CHECK(firsts(test.reader(), other, 1) == std::vector<Seq>{1});
    CHECK(*test.reader().block_bytes(stream) < bytes);
    CHECK(test.reader().knowledge()->find(stream)->dropped() == IntervalSet({1, 20}));
  }
}

inline void it_misses_what_it_gave_up_and_wants(StoreUnderTest& test) {
  Random random(9);
  const StreamId stream = stream_number(1);
  const Batch whole = one_block(random, stream, 1, 10);
  REQUIRE(commit(test, whole));
  Batch batch;
  batch.given_up = {{stream, {1, 10}, true}};
  REQUIRE(commit(test, batch));
  for (int pass = 0; pass < 2; ++pass, test.reopen()) {
    CHECK(firsts(test.reader(), stream, 1).empty());
    CHECK(test.reader().knowledge()->find(stream)->missing() == IntervalSet({1, 10}));
  }
  REQUIRE(commit(test, whole));
  CHECK(firsts(test.reader(), stream, 1) == std::vector<Seq>{1});
}

inline void it_does_not_give_up_half_a_block(StoreUnderTest& test) {
  Random random(8);
  const StreamId stream = stream_number(1);
  REQUIRE(commit(test, one_block(random, stream, 11, 10)));
  for (const Interval dots : {Interval{1, 15}, Interval{12, 30}, Interval{12, 15}}) {
    Batch batch = one_block(random, stream, 100, 1);
    batch.given_up = {{stream, dots}};
    const Status status = commit(test, batch);
    REQUIRE(!status);
    CHECK(status.error().code == ErrorCode::kInvalid);
    CHECK(firsts(test.reader(), stream, 1) == std::vector<Seq>{11});
    CHECK(test.reader().knowledge()->find(stream)->dropped().empty());
  }
}

inline void a_mark_is_about_what_came_before_it(StoreUnderTest& test) {
  using std::chrono::seconds;
  Random random(9);
  const StreamId stream = stream_number(1);
  const auto arrival = [&](Seq first) {
    const auto blocks = test.reader().held_blocks(stream, first, 1);
    REQUIRE(blocks);
    REQUIRE(blocks->size() == 1);
    return blocks->front().arrival;
  };
  const auto before = [&](int alive) { return *test.reader().arrivals_before(seconds(alive)); };
  Batch first = one_block(random, stream, 1, 5);
  first.mark = ArrivalMark{seconds(100), std::chrono::milliseconds(77)};
  REQUIRE(commit(test, first));
  REQUIRE(commit(test, one_block(random, stream, 11, 5)));
  Batch mark;
  mark.mark = ArrivalMark{seconds(200), std::nullopt};
  REQUIRE(commit(test, mark));
  REQUIRE(commit(test, one_block(random, stream, 21, 5)));
  for (int pass = 0; pass < 2; ++pass, test.reopen()) {
    CHECK(before(99) <= arrival(1));
    CHECK(arrival(1) < before(100));
    CHECK(before(199) <= arrival(11));
    CHECK(arrival(11) < before(200));
    CHECK(before(1'000'000) <= arrival(21));
    CHECK(test.reader().image()->mark == *mark.mark);
  }
  // Also of a block that comes when nothing is left of what the mark was about.
  Batch all;
  all.given_up = {{stream, {1, 30}}};
  REQUIRE(commit(test, all));
  test.reopen();
  REQUIRE(commit(test, one_block(random, stream, 31, 5)));
  CHECK(before(1'000'000) <= arrival(31));
}

inline void it_keeps_what_tiers_acknowledged(StoreUnderTest& test) {
  const StreamId stream = stream_number(1), other = stream_number(2);
  Identity acker, second;
  acker.node.bytes.fill(9);
  second.node.bytes.fill(9);
  second.incarnation.bytes.fill(1);
  Batch batch;
  batch.acks = {{acker, false, stream, IntervalSet({1, 10})},
                {acker, false, other, IntervalSet({3, 3})},
                {second, false, stream, IntervalSet({1, 5})}};
  REQUIRE(commit(test, batch));
  Batch more;
  more.acks = {{acker, false, stream, IntervalSet({1, 20})}};
  REQUIRE(commit(test, more));
  std::vector<TierAck> expected{
      more.acks[0], {acker, false, other, IntervalSet({3, 3})}, {second, false, stream, IntervalSet({1, 5})}};
  const auto same = [&] {
    const auto image = test.reader().image();
    REQUIRE(image);
    CHECK(std::is_permutation(image->acks.begin(), image->acks.end(), expected.begin(), expected.end()));
  };
  for (int pass = 0; pass < 2; ++pass, test.reopen()) same();
  Batch end;
  end.acks = {{acker, true, {}, {}}};
  REQUIRE(commit(test, end));
  expected = {{second, false, stream, IntervalSet({1, 5})}, {acker, true, {}, {}}};
  for (int pass = 0; pass < 2; ++pass, test.reopen()) same();
}

// Of a stream that is over and holds nothing the store keeps what is known, and may be asked for it alone.
inline void it_keeps_little_of_what_is_put_aside(StoreUnderTest& test) {
  Random random(11);
  const StreamId gone = stream_number(1), full = stream_number(2), open = stream_number(3);
  Identity acker;
  acker.node.bytes.fill(9);
  for (const StreamId& stream : {gone, full, open}) {
    Batch batch = one_block(random, stream, 1, 10);
    batch.declarations = {{stream, {1, "a", "", ValueType::kDouble}}};
    batch.unnamed = {{stream, 2}};
    batch.offsets = {{stream, 1, 500, Quality::kGood, {stream, 3}}};
    batch.acks = {{acker, false, stream, IntervalSet({1, 10})}};
    StreamKnowledge known;
    known.declare_head(10, stream == open ? 10 : 11);
    batch.knowledge.push_back({stream, known});
    REQUIRE(commit(test, batch));
  }
  Batch aside;
  for (const StreamId& stream : {gone, open}) aside.given_up.push_back({stream, {1, 10}});
  aside.put_aside = {gone, full, open, stream_number(4)};
  REQUIRE(commit(test, aside));
  const auto rows_of = [&](const StreamId& stream) {
    const auto image = test.reader().image();
    REQUIRE(image);
    const auto count = [&](const auto& rows) {
      return std::count_if(rows.begin(), rows.end(), [&](const auto& row) { return row.stream == stream; });
    };
    return count(image->series) + count(image->unnamed) + count(image->offsets);
  };
  for (int pass = 0; pass < 2; ++pass, test.reopen()) {
    CHECK(rows_of(gone) == 0);
    CHECK(rows_of(full) == 3);
    CHECK(rows_of(open) == 3);
    const auto known = test.reader().known(gone);
    REQUIRE((known && *known));
    CHECK(((*known)->dropped() == IntervalSet({1, 10}) && (*known)->closed()));
    CHECK((test.reader().known(stream_number(4)) && !*test.reader().known(stream_number(4))));
    CHECK(test.reader().acks(gone)->size() == 1);
    CHECK(test.reader().acks(stream_number(4))->empty());
    const auto all = test.reader().knowledge();
    Knowledge expected;
    for (const auto& [stream, one] : all->entries()) {
      if (stream.dataset == gone.dataset && stream.node == gone.node) expected.at(stream) = one;
    }
    CHECK(*test.reader().knowledge_of(gone.dataset, gone.node) == expected);
    CHECK(expected.find(gone) != nullptr);
    CHECK(test.reader().knowledge_of(gone.dataset, acker.node)->empty());
  }
  // It goes on all the same: what is known is joined, what was given up stays so.
  Batch more = one_block(random, gone, 11, 5);
  StreamKnowledge known;
  known.declare_head(20, 20);
  more.knowledge.push_back({gone, known});
  more.acks = {{acker, false, gone, IntervalSet({1, 15})}};
  REQUIRE(commit(test, more));
  REQUIRE(commit(test, one_block(random, gone, 16, 5)));
  for (int pass = 0; pass < 2; ++pass, test.reopen()) {
    const auto after = test.reader().known(gone);
    REQUIRE((after && *after));
    CHECK((*after)->held() == IntervalSet({11, 20}));
    CHECK((*after)->dropped() == IntervalSet({1, 10}));
    CHECK(test.reader().knowledge()->find(gone)->head() == 20);
    CHECK(test.reader().acks(gone)->front().dots == IntervalSet({1, 15}));
  }
}

// The latest write hides those in conflict with it, so it may have to stay; the others may always go.
inline void takes_writes_out_of_a_map(StoreUnderTest& test) {
  const DatasetId map = stream_number(2).dataset;
  const auto write = [&](Seq seq, std::uint64_t stamp, bool tombstone) {
    MapWrite out{map, {"k", {0, {stamp}, {stream_number(2), seq}}, tombstone, {}, true, {}}};
    if (seq == 3) out.entry.version.dot.stream = stream_number(4);
    return out;
  };
  Batch first;
  first.entries = {write(1, 5, true), write(3, 4, false)};
  REQUIRE(commit(test, std::move(first)));
  REQUIRE(test.reader().conflicts(map, {})->size() == 1);
  const Dot latest{stream_number(2), 1};
  Batch hiding;
  hiding.pruning.erased = {{map, "k", latest, true}, {map, "another", latest, true}};
  REQUIRE(commit(test, std::move(hiding)));
  CHECK((*test.reader().entry(map, "k"))->tombstone);
  Batch second;
  second.pruning.erased = {{map, "k", latest, false}};
  REQUIRE(commit(test, std::move(second)));
  test.reopen();
  CHECK_FALSE((*test.reader().entry(map, "k"))->tombstone);
  CHECK(test.reader().conflicts(map, {})->empty());
  Batch third;
  third.pruning.erased = {{map, "k", {stream_number(4), 3}, true}};
  REQUIRE(commit(test, std::move(third)));
  test.reopen();
  CHECK(test.reader().entries(map, {})->empty());
}

inline void forgets_what_is_held_of_a_map(StoreUnderTest& test) {
  const StreamId stream = stream_number(2), other = stream_number(1);
  Batch first;
  first.knowledge = {{stream, {}}, {other, {}}};
  for (Knowledge::Entry& entry : first.knowledge) entry.known.hold({1, 9});
  REQUIRE(commit(test, std::move(first)));
  Batch second;
  second.pruning.forgotten = {stream.dataset};
  second.knowledge = {{stream, {}}};
  second.knowledge[0].known.hold({4, 5});
  REQUIRE(commit(test, std::move(second)));
  test.reopen();
  const auto known = test.reader().knowledge();
  CHECK(known->find(stream)->held() == IntervalSet({4, 5}));
  CHECK(known->find(stream)->dropped() == IntervalSet({1, 9}).minus(IntervalSet({4, 5})));
  CHECK(known->find(stream)->head() == 9);
  CHECK(known->find(other)->held() == IntervalSet({1, 9}));
}

// The bytes of a block change, and where it lies in time; neither its dots nor when it came.
inline void it_puts_a_block_in_the_place_of_another(StoreUnderTest& test) {
  Random random(5);
  const StreamId stream = stream_number(1), other = stream_number(2);
  const auto at = [&](Seq first, Ticks time, std::uint32_t events = 5) {
    std::vector<Event> some(events);
    for (std::uint32_t i = 0; i < events; ++i) {
      some[i].time = time + i;
      some[i].readings = {{1, static_cast<double>(random.below(1'000))}};
    }
    Bytes bytes = *encode_block(some, limits::kBlock);
    const auto summary = peek_block(bytes, limits::kBlock);
    return stored_block(stream, first, *summary, std::move(bytes));
  };
  Batch first;
  first.blocks = {at(1, 100), at(6, 200), at(11, 300)};
  REQUIRE(commit(test, first));
  const auto before = test.reader().held_blocks(stream, 1, 10);
  Batch second;
  StoredBlock moved = at(6, 900), shorter = at(11, 900, 4), strange = at(6, 900);
  strange.stream = other;
  second.rewritten = {moved, shorter, strange, at(40, 900)};
  second.obeyed = Bytes(16, std::byte{7});
  REQUIRE(commit(test, second));
  for (int pass = 0; pass < 2; ++pass, test.reopen()) {
    const auto& reader = test.reader();
    CHECK(same_blocks(*reader.blocks(stream, {1, 100}, 1u << 20), {first.blocks[0], moved, first.blocks[2]}));
    CHECK(same_blocks(visited(reader, stream, 900, 999, StoreReader::Order::kOldestFirst), {moved}));
    CHECK(visited(reader, stream, 200, 299, StoreReader::Order::kOldestFirst).empty());
    CHECK(reader.blocks(other, {1, 100}, 1u << 20)->empty());
    const auto after = reader.held_blocks(stream, 1, 10);
    REQUIRE(after->size() == before->size());
    for (std::size_t i = 0; i < after->size(); ++i) {
      CHECK((*after)[i].dots == (*before)[i].dots);
      CHECK((*after)[i].arrival == (*before)[i].arrival);
    }
    CHECK((*after)[1].bytes == moved.bytes->size());
    CHECK(*reader.block_bytes(stream) ==
          first.blocks[0].bytes->size() + moved.bytes->size() + first.blocks[2].bytes->size());
    CHECK(reader.knowledge()->find(stream)->held() == IntervalSet({1, 15}));
    CHECK(reader.image()->obeyed == *second.obeyed);
  }
  // What is given up by the same batch is gone.
  Batch third;
  third.given_up = {{stream, {6, 10}}};
  third.rewritten = {at(6, 500), at(1, 500)};
  third.obeyed = Bytes();
  REQUIRE(commit(test, third));
  test.reopen();
  CHECK(
      same_blocks(*test.reader().blocks(stream, {1, 100}, 1u << 20), {third.rewritten[1], first.blocks[2]}));
  CHECK(test.reader().image()->obeyed.empty());
}

// Neighbours become one block, which has come when the last of them did; where some of them are not there, or
// others reach in, they stay as they are.
inline void it_puts_one_block_in_the_place_of_several(StoreUnderTest& test) {
  Random random(7);
  const StreamId stream = stream_number(1);
  const auto at = [&](Seq first, std::uint32_t events) {
    return random_block(random, stream, first, events);
  };
  Batch first;
  first.blocks = {at(11, 10), at(1, 4), at(5, 6), at(21, 3), at(30, 5)};  // In the order of their coming.
  REQUIRE(commit(test, first));
  const auto before = test.reader().held_blocks(stream, 1, 10);
  REQUIRE(before->size() == 5);
  struct Row {
    const char* what;
    StoredBlock block;
  };
  const Row rows[] = {{"half of a block at its end", at(1, 15)},
                      {"half of a block at its beginning", at(3, 18)},
                      {"a gap behind", at(1, 24)},
                      {"a gap within", at(21, 14)},
                      {"nothing there at all", at(50, 5)},
                      {"part of one block", at(12, 2)},
                      {"half of the last one", at(11, 11)}};
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Batch none;
    none.merged = {row.block};
    REQUIRE(commit(test, none));
    CHECK(*test.reader().held_blocks(stream, 1, 10) == *before);
  }
  Batch second;
  second.merged = {at(1, 20), at(30, 5)};
  REQUIRE(commit(test, second));
  for (int pass = 0; pass < 2; ++pass, test.reopen()) {
    const auto& reader = test.reader();
    CHECK(same_blocks(*reader.blocks(stream, {1, 100}, 1u << 20),
                      {second.merged[0], first.blocks[3], second.merged[1]}));
    const auto after = reader.held_blocks(stream, 1, 10);
    REQUIRE(after->size() == 3);
    CHECK((*after)[0].arrival == (*before)[1].arrival);  // Of 5 to 10, which came last.
    CHECK((*after)[1] == (*before)[3]);
    CHECK((*after)[2].arrival == (*before)[4].arrival);
    CHECK(*reader.block_bytes(stream) ==
          second.merged[0].bytes->size() + first.blocks[3].bytes->size() + second.merged[1].bytes->size());
    IntervalSet held({1, 23});
    held.add({30, 34});
    CHECK(reader.knowledge()->find(stream)->held() == held);
  }
}

inline void it_gives_blocks_by_dot_and_time(StoreUnderTest& test) {
  Random random(6);
  const StreamId stream = stream_number(1);
  constexpr Ticks kFirst = std::numeric_limits<Ticks>::min(), kLast = std::numeric_limits<Ticks>::max();
  std::vector<StoredBlock> all;
  Batch batch;
  for (Seq first = 1; first <= 200; first += 5)
    batch.blocks.push_back(random_block(random, stream, first, 5));
  all = batch.blocks;
  REQUIRE(commit(test, std::move(batch)));
  for (int pass = 0; pass < 2; ++pass, test.reopen()) {
    for (int i = 0; i < 100; ++i) {
      const Seq first = random.between(1, 210);
      const bool always = random.chance(20);
      const Ticks from = always ? kFirst : static_cast<Ticks>(random.below(2400)) - 1200;
      const Ticks to = always ? kLast : from + static_cast<Ticks>(random.below(500));
      std::vector<StoredBlock> expected;
      for (const StoredBlock& block : all) {
        const bool utc = block.has_utc && block.time_min <= to && block.time_max >= from;
        if (block.first >= first && (always || utc)) expected.push_back(block);
      }
      CHECK(same_blocks(*test.reader().blocks_between(stream, first, from, to, 1u << 20), expected));
      const auto one = test.reader().blocks_between(stream, first, from, to, 0);
      CHECK(one->size() == std::min<std::size_t>(expected.size(), 1));
    }
  }
  CHECK(test.reader().blocks_between(stream_number(3), 1, kFirst, kLast, 1u << 20)->empty());
}

struct Case {
  const char* sentence;
  void (*check)(StoreUnderTest&);
};
inline constexpr Case kCases[] = {
    {"it holds what a model holds, also after it is reopened", holds_what_a_model_holds},
    {"a refused batch leaves no trace", a_refused_batch_leaves_no_trace},
    {"one refused batch does not touch its neighbours", one_refused_batch_does_not_touch_its_neighbours},
    {"it refuses what breaks a rule", refuses_what_breaks_a_rule},
    {"it reads blocks up to a size", reads_blocks_up_to_a_size},
    {"a series without a declaration is named later", a_series_without_a_declaration_is_named_later},
    {"it takes writes out of a map", takes_writes_out_of_a_map},
    {"it forgets what is held of a map", forgets_what_is_held_of_a_map},
    {"a visit ends when it is told to", a_visit_ends_when_it_is_told_to},
    {"a callback may commit", a_callback_may_commit},
    {"it tells what can be given up", it_tells_what_can_be_given_up},
    {"it misses what it gave up and wants", it_misses_what_it_gave_up_and_wants},
    {"it does not give up half a block", it_does_not_give_up_half_a_block},
    {"it keeps what tiers acknowledged", it_keeps_what_tiers_acknowledged},
    {"it keeps little of what is put aside", it_keeps_little_of_what_is_put_aside},
    {"a mark is about what came before it", a_mark_is_about_what_came_before_it},
    {"it puts a block in the place of another", it_puts_a_block_in_the_place_of_another},
    {"it puts one block in the place of several", it_puts_one_block_in_the_place_of_several},
    {"it gives blocks by dot and time", it_gives_blocks_by_dot_and_time},
};

template <class Make>
void check_contract(const Make& make) {
  for (const Case& one : kCases) {
    DYNAMIC_SECTION(one.sentence) {
      const std::unique_ptr<StoreUnderTest> test = make();
      one.check(*test);
    }
  }
}

}  // namespace conformance
}  // namespace deltamesh
