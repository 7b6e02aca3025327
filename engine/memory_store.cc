// engine/memory_store.cc - the store in memory.
#include "engine/memory_store.h"

#include <algorithm>
#include <span>
#include <tuple>

#include "crdt/map_conflict.h"
#include "engine/batch_rules.h"
#include "engine/past.h"

namespace deltamesh {
namespace {

// Visits those of [begin, end) that are wanted, until told to stop.
template <class Iterator, class Wanted>
void visit_range(Iterator begin, Iterator end, const Wanted& wanted,
                 const std::function<bool(const StoredBlock&)>& visit) {
  for (; begin != end; ++begin) {
    if (wanted(begin->second) && !visit(begin->second)) return;
  }
}

bool by_name(const StreamSeries& a, const StreamSeries& b) {
  return std::tie(a.decl.name, a.stream, a.decl.number) < std::tie(b.decl.name, b.stream, b.decl.number);
}

// Of the keys of a page, the writes that `writes` picks; all or none of a key.
template <class Entries, class Writes>
std::vector<MapEntry> page_of(const std::map<DatasetId, Entries>& maps, DatasetId dataset,
                              const EntryPage& page, Writes writes) {
  std::vector<MapEntry> found;
  const auto map = maps.find(dataset);
  if (map == maps.end()) return found;
  std::size_t bytes = 0;
  for (auto at = map->second.lower_bound(page.from);
       at != map->second.end() && found.size() < page.entries_max && bytes <= page.bytes_max; ++at) {
    for (const MapEntry& entry : writes(at->second)) {
      bytes += entry.key.size() + entry.value.size();
      found.push_back(entry);
    }
  }
  return found;
}

// Those of [from, to) that are wanted, until `bytes_max` is passed. A damaged one ends the answer; if it is
// the first, the answer is that.
template <class Place, class Wanted, class Damaged>
Result<std::vector<StoredBlock>> take_blocks(Place from, Place to, std::size_t bytes_max, Wanted wanted,
                                             Damaged damaged) {
  std::vector<StoredBlock> found;
  for (std::size_t bytes = 0; from != to && bytes <= bytes_max; ++from) {
    const StoredBlock& block = from->second;
    if (!wanted(block)) continue;
    if (damaged(block) && found.empty()) return Error{ErrorCode::kCorrupt, "a damaged block"};
    if (damaged(block)) break;
    found.push_back(block);
    bytes += block.bytes->size();
  }
  return found;
}

}  // namespace

void MemoryStore::commit(Batch batch, Committed committed) {
  queue_.push_back({std::move(batch), std::move(committed)});
  while (auto_ == Sync::kAuto && !syncing_ && !queue_.empty()) sync();
}

void MemoryStore::sync() {
  syncing_ = true;
  for (std::size_t left = queue_.size(); left > 0 && !queue_.empty(); --left) sync_one();
  syncing_ = false;
}

void MemoryStore::sync_one() {
  Queued next = std::move(queue_.front());
  queue_.pop_front();
  const BatchId id = next.batch.id;
  Status status = apply(next.batch);
  if (next.committed) next.committed(id, std::move(status));
}

Status MemoryStore::apply(Batch& batch) {
  if (fail_next_) return *std::exchange(fail_next_, std::nullopt);
  if (Status status = check_batch(batch); !status) return status;
  Result<KnowledgeChange> change = knowledge_after(knowledge_, batch);
  if (!change) return change.error();
  for (const GivenUp& given_up : batch.given_up) {
    if (cuts_block(given_up)) return across_block(given_up);
  }

  for (const GivenUp& given_up : batch.given_up) give_up(given_up);
  for (StoredBlock& block : batch.rewritten) rewrite(block);
  for (StoredBlock& block : batch.merged) merge(block);
  for (auto& [stream, after] : *change) knowledge_.at(stream) = std::move(after);
  for (const SeriesKey& series : batch.unnamed) {
    if (!series_.contains(series)) unnamed_.insert(series);
  }
  for (StreamSeries& series : batch.declarations) {
    const SeriesKey key{series.stream, series.decl.number};
    unnamed_.erase(key);
    series_.try_emplace(key, std::move(series.decl));
  }
  for (StoredBlock& block : batch.blocks) keep(std::move(block));
  for (MapWrite& write : batch.entries) join(write);
  prune(batch.pruning);
  if (batch.clock != HlcStamp()) clock_ = batch.clock;
  if (batch.obeyed) obeyed_ = *batch.obeyed;
  for (TierAck& ack : batch.acks) take_ack(ack);
  if (batch.mark) marks_.insert_or_assign(last_arrival_ + 1, *batch.mark);
  for (const BootOffset& offset : batch.offsets) take_offset(offset);
  for (const OwnBoot& boot : batch.own_boots) own_boots_.insert_or_assign(boot.place, boot);
  own_boots_.erase(own_boots_.begin(), own_boots_.lower_bound(batch.own_boots_from));
  for (const StreamId& stream : batch.put_aside) put_aside(stream);
  return Done{};
}

void MemoryStore::put_aside(const StreamId& stream) {
  if (const StreamKnowledge* const known = knowledge_.find(stream); known == nullptr || !is_gone(*known))
    return;
  std::erase_if(series_, [&](const auto& one) { return one.first.stream == stream; });
  std::erase_if(unnamed_, [&](const SeriesKey& one) { return one.stream == stream; });
  std::erase_if(offsets_, [&](const auto& one) { return one.first.first == stream; });
}

void MemoryStore::take_offset(const BootOffset& offset) {
  const auto [at, is_new] = offsets_.try_emplace({offset.stream, offset.boot}, offset);
  if (!is_new && goes_before(offset, at->second)) at->second = offset;
}

bool MemoryStore::cuts_block(const GivenUp& given_up) const {
  const auto at = blocks_.find(given_up.stream);
  if (at == blocks_.end()) return false;
  const auto across = [&](Seq dot) {
    const auto after = at->second.lower_bound(dot + 1);
    return after != at->second.begin() && std::prev(after)->second.interval().last > dot;
  };
  return across(given_up.dots.first - 1) || across(given_up.dots.last);
}

void MemoryStore::give_up(const GivenUp& given_up) {
  const auto within = [&](Seq first) { return given_up.dots.first <= first && first <= given_up.dots.last; };
  std::erase_if(blocks_[given_up.stream], [&](const auto& block) {
    if (!within(block.first)) return false;
    bytes_ -= block.second.bytes->size();
    return true;
  });
  std::erase_if(arrivals_[given_up.stream], [&](const auto& arrival) { return within(arrival.first); });
  damaged_.at(given_up.stream).miss(given_up.dots);
}

void MemoryStore::rewrite(StoredBlock& block) {
  StreamBlocks& blocks = blocks_[block.stream];
  const auto at = blocks.find(block.first);
  if (at == blocks.end() || at->second.events != block.events) return;
  bytes_ += block.bytes->size();
  bytes_ -= at->second.bytes->size();
  at->second = std::move(block);
}

void MemoryStore::merge(StoredBlock& block) {
  const Interval dots = block.interval();
  StreamBlocks& blocks = blocks_[block.stream];
  const auto begin = blocks.lower_bound(dots.first), end = blocks.upper_bound(dots.last);
  Seq events = 0, last = 0;
  std::size_t bytes = 0;
  std::uint64_t arrival = 0;
  for (auto at = begin; at != end; ++at) {
    events += at->second.events;
    last = at->second.interval().last;
    bytes += at->second.bytes->size();
    arrival = std::max(arrival, arrivals_.at(block.stream).at(at->first));
  }
  if (events != dots.size() || last != dots.last) return;
  Arrivals& arrivals = arrivals_[block.stream];
  arrivals.erase(arrivals.lower_bound(dots.first), arrivals.upper_bound(dots.last));
  arrivals.emplace(dots.first, arrival);
  blocks.erase(begin, end);
  bytes_ -= bytes;
  bytes_ += block.bytes->size();
  damaged_.at(block.stream).miss(dots);
  blocks.emplace(dots.first, std::move(block));
}

void MemoryStore::take_ack(TierAck& ack) {
  if (!ack.ended) {
    acks_.insert_or_assign({ack.acker, ack.stream}, std::move(ack.dots));
    return;
  }
  ended_ackers_.insert(ack.acker);
  std::erase_if(acks_, [&](const auto& one) { return one.first.first == ack.acker; });
}

void MemoryStore::start_incarnation(const Incarnation& next) {
  knowledge_.join(ended_streams(knowledge_, identity_));
  identity_.incarnation = next;
}

void MemoryStore::keep(StoredBlock block) {
  arrivals_[block.stream].emplace(block.first, ++last_arrival_);
  bytes_ += block.bytes->size();
  StreamBlocks& blocks = blocks_[block.stream];
  blocks.emplace(block.first, std::move(block));
}

void MemoryStore::join(MapWrite& write) {
  Entries& entries = entries_[write.dataset];
  const auto at = entries.find(write.entry.key);
  if (at == entries.end()) {
    std::string key = write.entry.key;
    entries.emplace(std::move(key), KeyWrites{std::move(write.entry), {}});
  } else {
    join_write(at->second.latest, at->second.conflicts, write.entry, limits::kMapConflictsMax);
  }
}

void MemoryStore::prune(MapPruning& pruning) {
  for (const MapErasure& erasure : pruning.erased) erase(erasure);
  for (MapWrite& write : pruning.surfaced) {
    const Dot dot = write.entry.version.dot;
    surfaced_[write.dataset][write.entry.key].insert_or_assign(dot, std::move(write.entry));
  }
  for (StoredFloor& stored : pruning.floors) floors_[stored.dataset] = std::move(stored.floor);
}

void MemoryStore::erase(const MapErasure& erasure) {
  Entries& entries = entries_[erasure.dataset];
  const auto at = entries.find(erasure.key);
  if (at == entries.end()) return;
  std::vector<MapEntry> writes{at->second.latest};
  writes.insert(writes.end(), at->second.conflicts.begin(), at->second.conflicts.end());
  if (!erase_write(writes, erasure)) return;
  if (writes.empty()) return void(entries.erase(at));
  at->second.latest = writes.front();
  at->second.conflicts.assign(writes.begin() + 1, writes.end());
}

Result<std::optional<StreamKnowledge>> MemoryStore::known(const StreamId& stream) const {
  if (fail_reads_) return *fail_reads_;
  const StreamKnowledge* const found = knowledge_.find(stream);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

Result<Knowledge> MemoryStore::knowledge_of(DatasetId dataset, const NodeId& writer) const {
  if (fail_reads_) return *fail_reads_;
  Knowledge out;
  for (const auto& [stream, known] : knowledge_.entries()) {
    if (stream.dataset == dataset && stream.node == writer) out.at(stream) = known;
  }
  return out;
}

Result<std::vector<TierAck>> MemoryStore::acks(const StreamId& stream) const {
  if (fail_reads_) return *fail_reads_;
  std::vector<TierAck> out;
  for (const auto& [of, dots] : acks_) {
    if (of.second == stream) out.push_back({of.first, false, stream, dots});
  }
  return out;
}

Result<StoreImage> MemoryStore::image() const {
  StoreImage image{identity_, knowledge_, {}, {}, clock_, {unnamed_.begin(), unnamed_.end()}, {}, {},
                   {},        0,          {}, {}, obeyed_};
  for (const auto& [place, boot] : own_boots_) image.own_boots.push_back(boot);
  for (const auto& [of, offset] : offsets_) image.offsets.push_back(offset);
  if (!marks_.empty()) image.mark = marks_.rbegin()->second;
  for (const Identity& acker : ended_ackers_) image.acks.push_back({acker, true, {}, {}});
  for (const auto& [of, dots] : acks_) image.acks.push_back({of.first, false, of.second, dots});
  for (const auto& [dataset, floor] : floors_) image.floors.push_back({dataset, floor});
  for (const auto& [dataset, keys] : surfaced_) {
    for (const auto& [key, writes] : keys) image.surfaced += writes.size();
  }
  for (const auto& [key, decl] : series_) image.series.push_back({key.stream, decl});
  for (const auto& [dataset, entries] : entries_) {
    for (const auto& [key, writes] : entries) {
      image.entries.push_back({dataset, writes.latest});
      for (const MapEntry& entry : writes.conflicts) image.entries.push_back({dataset, entry});
    }
  }
  return image;
}

Result<std::vector<StoredBlock>> MemoryStore::blocks(const StreamId& stream, Interval dots,
                                                     std::size_t bytes_max) const {
  if (fail_reads_) return *fail_reads_;
  const auto at = blocks_.find(stream);
  if (at == blocks_.end()) return std::vector<StoredBlock>();
  auto block = at->second.upper_bound(dots.first);
  if (block != at->second.begin() && std::prev(block)->second.interval().last >= dots.first) --block;
  // Never an end that stands before the place.
  return take_blocks(
      block, at->second.upper_bound(std::max(dots.first, dots.last)), bytes_max,
      [](const StoredBlock&) { return true; }, [this](const StoredBlock& one) { return damaged(one); });
}

void MemoryStore::lose(const Dot& dot) {
  std::erase_if(blocks_[dot.stream], [&](const auto& block) {
    const Interval dots = block.second.interval();
    return dots.first <= dot.seq && dot.seq <= dots.last;
  });
}

bool MemoryStore::damaged(const StoredBlock& block) const {
  const StreamKnowledge* const dots = damaged_.find(block.stream);
  return dots != nullptr && dots->held().intersects(block.interval());
}

Status MemoryStore::visit_blocks(const StreamId& stream, Ticks from, Ticks to, Order order,
                                 const std::function<bool(const StoredBlock&)>& visit) const {
  const auto at = blocks_.find(stream);
  if (at == blocks_.end()) return Done{};
  const StreamBlocks& blocks = at->second;
  const auto offsets = this->offsets(stream);
  const auto wanted = [&](const StoredBlock& block) { return may_hold(block, *offsets, from, to); };
  if (order == Order::kOldestFirst) {
    visit_range(blocks.begin(), blocks.end(), wanted, visit);
  } else {
    visit_range(blocks.rbegin(), blocks.rend(), wanted, visit);
  }
  return Done{};
}

Result<std::vector<StoredBlock>> MemoryStore::blocks_between(const StreamId& stream, Seq first, Ticks from,
                                                             Ticks to, std::size_t bytes_max) const {
  if (fail_reads_) return *fail_reads_;
  const auto at = blocks_.find(stream);
  if (at == blocks_.end()) return std::vector<StoredBlock>();
  return take_blocks(
      at->second.lower_bound(first), at->second.end(), bytes_max,
      [=](const StoredBlock& one) { return may_hold_utc(one, from, to); },
      [this](const StoredBlock& one) { return damaged(one); });
}

Result<BootOffsets> MemoryStore::offsets(const StreamId& stream) const {
  std::vector<BootOffset> found;
  for (auto at = offsets_.lower_bound({stream, 0}); at != offsets_.end() && at->first.first == stream; ++at)
    found.push_back(at->second);
  return BootOffsets(std::move(found));
}

Status MemoryStore::visit_unplaced(const StreamId& stream,
                                   const std::function<bool(const StoredBlock&)>& visit) const {
  const auto at = blocks_.find(stream);
  if (at == blocks_.end()) return Done{};
  const auto offsets = this->offsets(stream);
  const auto wanted = [&](const StoredBlock& block) { return may_hold_unplaced(block, *offsets); };
  visit_range(at->second.begin(), at->second.end(), wanted, visit);
  return Done{};
}

Result<std::vector<HeldBlock>> MemoryStore::held_blocks(const StreamId& stream, Seq from,
                                                        std::size_t blocks_max) const {
  std::vector<HeldBlock> found;
  const auto at = blocks_.find(stream);
  if (at == blocks_.end()) return found;
  for (auto block = at->second.lower_bound(from); block != at->second.end() && found.size() < blocks_max;
       ++block)
    found.push_back(
        {block->second.interval(), block->second.bytes->size(), arrivals_.at(stream).at(block->first)});
  return found;
}

Result<std::uint64_t> MemoryStore::block_bytes(const StreamId& stream) const {
  std::uint64_t bytes = 0;
  if (const auto at = blocks_.find(stream); at != blocks_.end())
    for (const auto& [first, block] : at->second) bytes += block.bytes->size();
  return bytes;
}

Result<std::uint64_t> MemoryStore::arrivals_before(std::chrono::seconds alive) const {
  std::uint64_t first = 0;
  for (const auto& [arrival, mark] : marks_) {
    if (mark.alive <= alive) first = std::max(first, arrival);
  }
  return first;
}

Result<std::vector<StreamSeries>> MemoryStore::series(DatasetId dataset,
                                                      std::optional<std::string_view> name) const {
  std::vector<StreamSeries> found;
  for (const auto& [key, decl] : series_) {
    if (key.stream.dataset == dataset && (!name || decl.name == *name)) found.push_back({key.stream, decl});
  }
  std::sort(found.begin(), found.end(), by_name);
  return found;
}

Result<std::vector<MapEntry>> MemoryStore::entries(DatasetId dataset, const EntryPage& page) const {
  return page_of(entries_, dataset, page,
                 [](const KeyWrites& key) { return std::span<const MapEntry>(&key.latest, 1); });
}

Result<std::optional<MapEntry>> MemoryStore::entry(DatasetId dataset, std::string_view key) const {
  const auto map = entries_.find(dataset);
  if (map == entries_.end()) return std::optional<MapEntry>{};
  const auto at = map->second.find(key);
  return at == map->second.end() ? std::optional<MapEntry>{} : std::optional<MapEntry>{at->second.latest};
}

Result<std::vector<MapEntry>> MemoryStore::conflicts(DatasetId dataset, const EntryPage& page) const {
  return page_of(entries_, dataset, page,
                 [](const KeyWrites& key) { return std::span<const MapEntry>(key.conflicts); });
}

Result<std::vector<MapEntry>> MemoryStore::surfaced(DatasetId dataset, const EntryPage& page) const {
  return page_of(surfaced_, dataset, page, [](const std::map<Dot, MapEntry>& key) {
    std::vector<MapEntry> writes;
    for (const auto& [dot, entry] : key) writes.push_back(entry);
    return writes;
  });
}

}  // namespace deltamesh
