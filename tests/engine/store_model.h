// tests/engine/store_model.h - what a store must hold after given batches, by the plainest means there are.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "engine/store.h"
#include "tests/crdt/random.h"

namespace deltamesh {

inline StreamId stream_number(std::uint8_t n) {
  StreamId stream;
  stream.dataset = DatasetId{n % 2u == 0 ? 7u : ~std::uint64_t{0} - 3};  // One id has the top bit set.
  stream.cls = n % 3 == 0 ? StreamClass::kAlarm : StreamClass::kMetric;
  stream.node.bytes[15] = n;
  stream.node.bytes[0] = static_cast<std::uint8_t>(255 - n);
  stream.incarnation.bytes[3] = 9;
  return stream;
}

inline Bytes random_bytes(Random& random, std::size_t size) {
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next() & 0xff);
  return bytes;
}

inline StoredBlock random_block(Random& random, const StreamId& stream, Seq first, std::uint32_t events) {
  StoredBlock block;
  block.stream = stream;
  block.first = first;
  block.events = events;
  block.has_utc = random.chance(80);
  block.time_min = block.has_utc ? static_cast<Ticks>(random.below(2000)) - 1000 : 0;
  block.time_max = block.has_utc ? block.time_min + static_cast<Ticks>(random.below(300)) : 0;
  if (random.chance(30)) {
    const auto boot = static_cast<std::uint32_t>(random.between(1, 4));
    const auto ticks = static_cast<Ticks>(random.below(500));
    block.boots = {boot, boot + static_cast<std::uint32_t>(random.below(2)), ticks,
                   ticks + static_cast<Ticks>(random.below(100))};
  }
  block.bytes = std::make_shared<const Bytes>(random_bytes(random, random.between(1, 400)));
  return block;
}

inline bool same_block(const StoredBlock& a, const StoredBlock& b) {
  return a.stream == b.stream && a.first == b.first && a.events == b.events && a.codec == b.codec &&
         a.has_utc == b.has_utc && a.time_min == b.time_min && a.time_max == b.time_max &&
         a.boots == b.boots && *a.bytes == *b.bytes;
}

inline bool same_blocks(const std::vector<StoredBlock>& a, const std::vector<StoredBlock>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_block);
}

inline MapWrite random_write(Random& random) {
  MapWrite write;
  write.dataset = DatasetId{random.chance(50) ? 7u : ~std::uint64_t{0} - 3};
  write.entry.key = std::string("key") + static_cast<char>('a' + random.below(5));
  if (random.chance(10)) write.entry.key = std::string("\0\xc3\xa9", 3);
  write.entry.version.epoch = random.chance(10) ? 1 : 0;
  write.entry.version.stamp.bits = random.below(20) + (random.chance(20) ? std::uint64_t{1} << 63 : 0);
  write.entry.version.dot = {stream_number(static_cast<std::uint8_t>(random.below(4))),
                             random.between(1, 50)};
  write.entry.version.dot.stream.dataset = write.dataset;
  write.entry.tombstone = random.chance(25);
  if (!write.entry.tombstone)
    write.entry.value = std::string(random.below(40), static_cast<char>(random.below(256)));
  write.entry.untrusted = random.chance(50);
  if (write.entry.untrusted && random.chance(50)) write.entry.past.trusted.bits = random.below(20);
  for (std::uint64_t seen = random.below(3); seen > 0; --seen) {
    const StreamId stream = stream_number(static_cast<std::uint8_t>(seen));
    write.entry.past.others.push_back({stream_hash(stream), random.between(1, 50)});
  }
  return write;
}

// Of each dot, bits of what is said of it; held alone.
inline constexpr int kModelVoid = 1, kModelLost = 2, kModelDropped = 4, kModelHeld = 8;

struct ModelStream {
  std::map<Seq, int> dots;
  Seq head = 0;
  Seq settled = 0;

  void raise(Interval range, int state) {
    for (Seq seq = range.first; seq <= range.last; ++seq) {
      int& dot = dots[seq];
      dot = ((dot | state) & kModelHeld) != 0 ? kModelHeld : dot | state;
    }
    head = std::max(head, range.last);
  }
  void drop(Interval range) {
    for (Seq seq = range.first; seq <= range.last; ++seq)
      dots[seq] = (dots[seq] & ~kModelHeld) | kModelDropped;
    head = std::max(head, range.last);
  }
  void miss(Interval range) {
    for (Seq seq = range.first; seq <= range.last; ++seq) {
      const auto dot = dots.find(seq);
      if (dot != dots.end() && dot->second == kModelHeld) dots.erase(dot);
    }
  }
  void join(const StreamKnowledge& known) {
    for (const Interval& range : known.held().intervals()) raise(range, kModelHeld);
    for (const Interval& range : known.dropped().intervals()) raise(range, kModelDropped);
    for (const Interval& range : known.voided().intervals()) raise(range, kModelVoid);
    for (const Interval& range : known.lost().intervals()) raise(range, kModelLost);
    head = std::max(head, known.head());
    settled = std::max(settled, known.declared());
  }
  [[nodiscard]] bool equals(const StreamKnowledge& known) const {
    std::map<Seq, int> theirs;
    const auto fill = [&theirs](const IntervalSet& set, int state) {
      for (const Interval& range : set.intervals())
        for (Seq seq = range.first; seq <= range.last; ++seq) theirs[seq] |= state;
    };
    fill(known.held(), kModelHeld);
    fill(known.dropped(), kModelDropped);
    fill(known.voided(), kModelVoid);
    fill(known.lost(), kModelLost);
    return theirs == dots && head == known.head() && settled == known.declared();
  }
};

class StoreModel {
 public:
  // Takes `batch` if a store must take it; false if it must refuse it.
  bool take(const Batch& batch) {
    const auto gives_up = [&](const StoredBlock& block, Seq dot) {
      return std::any_of(batch.given_up.begin(), batch.given_up.end(), [&](const GivenUp& given_up) {
        return given_up.stream == block.stream && given_up.dots.first <= dot && dot <= given_up.dots.last;
      });
    };
    const auto goes = [&](const StoredBlock& block) { return gives_up(block, block.first); };
    for (const GivenUp& given_up : batch.given_up)
      for (const StoredBlock& block : blocks)
        if (cuts(given_up, block)) return false;
    const auto overlaps_rest = [&](const StoredBlock& block) {
      return overlaps(block, [&](Seq dot) { return !gives_up(block, dot); });
    };
    if (std::any_of(batch.blocks.begin(), batch.blocks.end(), overlaps_rest)) return false;
    for (const auto& [stream, dots, wanted] : batch.given_up)
      wanted ? streams[stream].miss(dots) : streams[stream].drop(dots);
    std::erase_if(blocks, goes);
    for (const StoredBlock& anew : batch.rewritten) {
      for (StoredBlock& block : blocks) {
        const bool same = block.stream == anew.stream && block.interval() == anew.interval();
        if (same) block = anew;
      }
    }
    for (const StoredBlock& merged : batch.merged) merge(merged);
    if (batch.obeyed) obeyed = *batch.obeyed;
    for (const DatasetId dataset : batch.pruning.forgotten) forget(dataset);
    for (const StoredBlock& block : batch.blocks) {
      streams[block.stream].raise(block.interval(), kModelHeld);
      blocks.push_back(block);
    }
    for (const Knowledge::Entry& entry : batch.knowledge) streams[entry.stream].join(entry.known);
    for (const StreamSeries& series : batch.declarations)
      declarations.emplace(std::pair(series.stream, series.decl.number), series.decl);
    for (const MapWrite& write : batch.entries)
      maps.try_emplace(write.dataset, LwwMap(0, limits::kMapConflictsMax)).first->second.join(write.entry);
    prune(batch.pruning);
    if (batch.clock != HlcStamp()) clock = batch.clock;
    all_offsets.insert(all_offsets.end(), batch.offsets.begin(), batch.offsets.end());
    for (const OwnBoot& boot : batch.own_boots) own_boots[boot.place] = boot;
    std::erase_if(own_boots, [&](const auto& boot) { return boot.first < batch.own_boots_from; });
    return true;
  }

  // The streams of `writer` are over: what is missing of them was never seen.
  void end_incarnation(const Identity& writer) {
    for (auto& [stream, known] : streams) {
      if (stream.node != writer.node || stream.incarnation != writer.incarnation) continue;
      for (Seq seq = 1; seq <= known.head; ++seq) known.dots.try_emplace(seq, kModelVoid);
      if (known.settled > 0) known.settled = known.head + 1;
    }
  }

  [[nodiscard]] std::vector<StoredBlock> blocks_where(
      const StreamId& stream, const std::function<bool(const StoredBlock&)>& wanted) const {
    std::vector<StoredBlock> found;
    for (const StoredBlock& block : blocks)
      if (block.stream == stream && wanted(block)) found.push_back(block);
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return found;
  }

  // Of each boot the best that there ever was.
  [[nodiscard]] BootOffsets offsets(const StreamId& stream) const {
    std::map<std::uint32_t, BootOffset> best;
    for (const BootOffset& one : all_offsets) {
      if (one.stream != stream) continue;
      const auto [at, is_new] = best.emplace(one.boot, one);
      const bool better = one.quality < at->second.quality ||
                          (one.quality == at->second.quality && one.record < at->second.record);
      if (better) at->second = one;
    }
    std::vector<BootOffset> all;
    for (const auto& [boot, one] : best) all.push_back(one);
    return BootOffsets(std::move(all));
  }

  std::vector<StoredBlock> blocks;
  std::vector<BootOffset> all_offsets;
  std::map<std::uint64_t, OwnBoot> own_boots;
  std::map<StreamId, ModelStream> streams;
  std::map<std::pair<StreamId, SeriesNo>, SeriesDecl> declarations;
  std::map<DatasetId, LwwMap> maps;
  std::map<DatasetId, std::map<std::pair<std::string, Dot>, MapEntry>> surfaced;
  std::map<DatasetId, MapFloor> floors;
  HlcStamp clock;
  Bytes obeyed;

 private:
  void forget(DatasetId dataset) {
    for (auto& [stream, known] : streams) {
      for (auto& [seq, state] : known.dots)
        state = stream.dataset == dataset && state == kModelHeld ? kModelDropped : state;
    }
  }
  void prune(const MapPruning& pruning) {
    for (const MapErasure& erasure : pruning.erased) {
      const auto map = maps.find(erasure.dataset);
      if (map == maps.end()) continue;
      const auto writes = map->second.writes(erasure.key);
      const bool hides = writes.size() > 1 && writes[0]->version.dot == erasure.dot;
      if (!erasure.unless_hiding || !hides) map->second.erase(erasure.key, erasure.dot);
    }
    for (const auto& [dataset, entry] : pruning.surfaced)
      surfaced[dataset].insert_or_assign({entry.key, entry.version.dot}, entry);
    for (const auto& [dataset, floor] : pruning.floors) floors[dataset] = floor;
  }
  static bool cuts(const GivenUp& given_up, const StoredBlock& block) {
    if (block.stream != given_up.stream) return false;
    const auto within = [&](Seq end) { return block.first <= end && end < block.interval().last; };
    return within(given_up.dots.first - 1) || within(given_up.dots.last);
  }

  // Dot by dot: each of the block's is in one that lies within it.
  void merge(const StoredBlock& merged) {
    std::set<Seq> left;
    for (Seq seq = merged.first; seq <= merged.interval().last; ++seq) left.insert(seq);
    const auto is_part = [&](const StoredBlock& block) {
      return block.stream == merged.stream && merged.first <= block.first &&
             block.interval().last <= merged.interval().last;
    };
    for (const StoredBlock& block : blocks) {
      if (!is_part(block)) continue;
      for (Seq seq = block.first; seq <= block.interval().last; ++seq) left.erase(seq);
    }
    if (!left.empty()) return;
    std::erase_if(blocks, is_part);
    blocks.push_back(merged);
  }

  template <class Stays>
  bool overlaps(const StoredBlock& block, Stays stays) {
    const auto& dots = streams[block.stream].dots;
    for (Seq seq = block.first; seq <= block.interval().last; ++seq) {
      const auto at = dots.find(seq);
      if (at != dots.end() && at->second == kModelHeld && stays(seq)) return true;
    }
    return false;
  }
};

// A block for some neighbours among these; now and then its ends are not theirs.
inline std::optional<StoredBlock> random_merge(Random& random, const std::vector<StoredBlock>& blocks) {
  if (blocks.empty()) return std::nullopt;
  const StoredBlock& from = blocks[random.below(blocks.size())];
  Seq last = from.interval().last;
  for (std::uint64_t more = random.below(5); more > 0; --more) {
    for (const StoredBlock& block : blocks)
      if (block.stream == from.stream && block.first == last + 1) last = block.interval().last;
  }
  const bool spoilt = random.chance(15);
  const Seq first = from.first > 1 && spoilt ? from.first - 1 : from.first;
  if (random.chance(10)) ++last;
  return random_block(random, from.stream, first, static_cast<std::uint32_t>(last - first + 1));
}

inline MapPruning random_pruning(Random& random) {
  MapPruning pruning;
  for (std::uint64_t i = random.below(6); i > 0; --i) {
    const MapWrite write = random_write(random);
    pruning.erased.push_back({write.dataset, write.entry.key, write.entry.version.dot, random.chance(50)});
  }
  if (random.chance(30)) pruning.surfaced.push_back(random_write(random));
  if (random.chance(30)) {
    StoredFloor stored{DatasetId{random.chance(50) ? 7u : ~std::uint64_t{0} - 3}, {}};
    stored.floor.stamp.bits = random.next();
    stored.floor.rejoining = random.chance(50);
    StreamId stream = stream_number(static_cast<std::uint8_t>(random.below(4)));
    stream.dataset = stored.dataset;
    stored.floor.collected.hold({stream, random.between(1, 50)});
    pruning.floors.push_back(std::move(stored));
  }
  return pruning;
}

inline Batch random_batch(Random& random, std::uint64_t number) {
  Batch batch;
  batch.id = BatchId{number};
  const StreamId stream = stream_number(static_cast<std::uint8_t>(random.below(4)));
  Seq first = random.between(1, 400);
  for (std::uint64_t i = random.below(3); i > 0; --i) {
    const auto events = static_cast<std::uint32_t>(random.between(1, 12));
    batch.blocks.push_back(random_block(random, stream, first, events));
    first += events + random.below(3);
  }
  if (random.chance(20)) {
    const Seq from = random.chance(50) ? 1 : random.between(1, 400);
    batch.given_up.push_back({stream_number(static_cast<std::uint8_t>(random.below(4))),
                              {from, from + random.below(60)},
                              random.chance(30)});
  }
  if (random.chance(20)) batch.mark = ArrivalMark{std::chrono::seconds(number * 60), std::nullopt};
  for (std::uint64_t i = random.below(3); i > 0; --i) batch.entries.push_back(random_write(random));
  if (random.chance(30)) {
    Knowledge::Entry entry{stream_number(static_cast<std::uint8_t>(random.below(4))), {}};
    const Seq at = random.between(1, 500);
    entry.known.hold({at, at + random.below(3)});
    if (random.chance(50)) entry.known.drop({at, at});
    entry.known.declare_void({at + 10, at + 12});
    if (random.chance(50)) entry.known.declare_lost(IntervalSet({at + 11, at + 14}));
    entry.known.declare_head(at + 20, at + 5);
    batch.knowledge.push_back(std::move(entry));
  }
  if (random.chance(40)) {
    const auto n = static_cast<SeriesNo>(random.between(1, 6));
    const std::string name = std::string("room/") + static_cast<char>('a' + random.below(4));
    batch.declarations.push_back({stream, {n, name, random.chance(50) ? "Cel" : "", ValueType::kDouble}});
  }
  if (random.chance(30)) batch.clock.bits = random.below(1000);
  if (random.chance(40)) batch.pruning = random_pruning(random);
  if (random.chance(30)) {
    const StreamId about = stream_number(static_cast<std::uint8_t>(random.below(4)));
    const Dot record{stream_number(static_cast<std::uint8_t>(random.below(4))), random.between(1, 50)};
    const auto boot = static_cast<std::uint32_t>(random.between(1, 5));
    batch.offsets.push_back({about, boot, static_cast<Ticks>(random.below(2000)) - 1000,
                             static_cast<Quality>(random.below(3)), record});
  }
  if (random.chance(20)) {
    OwnBoot boot{number + 1, stream, static_cast<std::uint32_t>(random.between(1, 5)), {}, {}};
    boot.id.bytes[3] = static_cast<std::uint8_t>(random.below(5));
    boot.up_max = std::chrono::microseconds(random.below(1000));
    batch.own_boots.push_back(boot);
    batch.own_boots_from = number < 5 ? 0 : number - 5;
  }
  return batch;
}

}  // namespace deltamesh
