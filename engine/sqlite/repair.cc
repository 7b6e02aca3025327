// engine/sqlite/repair.cc - salvage into a store beside the old one, check it, and let it take the place.
#include "engine/sqlite/repair.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "engine/batch_rules.h"
#include "engine/block_cursor.h"
#include "engine/limits.h"
#include "engine/sqlite/batch_writer.h"
#include "engine/sqlite/check.h"
#include "engine/sqlite/fence.h"
#include "engine/sqlite/files.h"
#include "engine/sqlite/salvage.h"
#include "engine/sqlite/sqlite_reader.h"
#include "engine/sqlite/swap.h"

namespace deltamesh {
namespace {

using namespace sqlite;

// Bytes of blocks a transaction. More: a longer log beside the new store. Fewer: more checkpoints.
constexpr std::size_t kTransactionBytes = 16u << 20;
// Runs of a map's writes that stay known. More: peers' answers, which come in pieces, exceed what a stream
// may have. Fewer: more of the map is sent again.
constexpr std::size_t kMapRunsKept = limits::kIntervalsMax / 4;

// --- Whether there is something to repair ----------------------------------------------------------------

// A damaged version number looks like that of a newer build, whose tables are not ours.
Result<bool> has_our_tables(const std::string& path) {
  Result<Database> database = Database::open_found(path);
  if (!database) return database.error();
  return check_tables(*database).ok();
}

Result<bool> is_damaged(const std::string& path) {
  const Result<CheckReport> report = check_contents(path);
  if (report) return report->found > 0;
  const Error& why = report.error();
  if (why.code == ErrorCode::kCorrupt || why.code == ErrorCode::kInvalid) return true;
  if (why.code != ErrorCode::kUnsupported) return why;
  const Result<bool> ours = has_our_tables(path);
  return ours && *ours ? ours : why;
}

// Whether SQLite finds every entry by table and by index, and as many as were salvaged: then none is missing.
bool maps_are_whole(const std::string& path, const Salvaged& rows) {
  Result<Database> database = Database::open_found(path);
  if (!database) return false;
  const Result<std::string> verdict = database->text("PRAGMA integrity_check(map_entries)");
  Result<Statement> query = database->prepare(select_entries(""));
  if (!verdict || *verdict != "ok" || !query) return false;
  std::size_t left = 0;
  for (const auto& [dataset, map] : rows.maps) left += map.entries().size() + map.conflict_count();
  for (;; --left) {
    const Result<bool> row = query->step();
    if (!row) return false;
    if (!*row) return left == 0;
    if (left == 0 || !read_entry(*query)) return false;
  }
}

// Whose store it was; without its own row, the fence has the name, and the list the last incarnation.
Result<Identity> find_identity(const std::string& path, const Salvaged& rows) {
  if (rows.meta) return rows.meta->identity;
  std::string why = "there is no fence beside it";
  const Result<std::optional<NodeId>> fence = load_fence(path + ".fence", why);
  if (!fence) return fence.error();
  const auto last = rows.incarnations.rbegin();
  if (*fence) return Identity{**fence, last == rows.incarnations.rend() ? Incarnation{} : last->second.first};
  const std::string lost = rows.empty() ? " holds nothing of a store" : " has lost the node's name";
  return Error{ErrorCode::kCorrupt,
               path + lost + ", and " + why + "; without a name there is nothing to go on as"};
}

// --- What the new store will know ------------------------------------------------------------------------

// All that `known` says, but for what it holds.
StreamKnowledge with_held(const StreamKnowledge& known, const IntervalSet& held) {
  StreamKnowledge out;
  out.drop(known.dropped());
  out.hold(held);
  out.declare_void(known.voided());
  out.declare_lost(known.lost());
  out.declare_head(known.head(), known.declared());
  return out;
}

IntervalSet latest_runs(const IntervalSet& dots, std::size_t runs_max) {
  const auto& runs = dots.intervals();
  IntervalSet out;
  for (std::size_t i = runs.size() - std::min(runs.size(), runs_max); i < runs.size(); ++i) out.add(runs[i]);
  return out;
}

class Rebuild {
 public:
  // `before`: who wrote the store last.
  Rebuild(const PageFile& pages, const Salvaged& rows, const Identity& before, RepairReport& report)
      : pages_(pages), rows_(rows), before_(before), report_(report) {}

  // A store at `path`, where there is none; closed, and not yet synced.
  Status run(const std::string& path) && {
    Status status = create(path);
    if (!status) return status;
    Result<Database> database = Database::open(path, Database::Access::kReadWrite);
    if (!database) return database.error();
    database_ = &*database;
    if (status = database->run("PRAGMA synchronous = OFF; BEGIN IMMEDIATE"); !status) return status;
    Result<BatchWriter> writer = BatchWriter::open(*database);
    if (!writer) return writer.error();
    writer_ = &*writer;
    if (status = fill(); !status) return status;
    if (status = commit(); !status) return status;
    database->tidy_on_close();
    return Done{};
  }

 private:
  Status create(const std::string& path);
  Status note_incarnations();
  Status fill();
  Status put_rows();
  Status put_entry(const MapWrite& write);
  Status put_boots();
  Status put_floors();
  Status put_knowledge();
  Status put_block(const StoredBlock& block);
  Status put_rest(const StoredBlock& block, const IntervalSet& dots);
  Status put_unnamed();
  Status put(const Batch& batch, bool& taken);
  Status commit();
  void describe_streams();
  [[nodiscard]] bool is_map(const StreamId& stream) const {
    return rows_.maps.contains(stream.dataset) || rows_.floors.contains(stream.dataset);
  }

  const PageFile& pages_;
  const Salvaged& rows_;
  const Identity before_;
  RepairReport& report_;
  Database* database_ = nullptr;
  BatchWriter* writer_ = nullptr;
  std::map<StreamId, IntervalSet> written_;  // Dots of map entries,
  std::map<StreamId, IntervalSet> events_;   // and of blocks.
  std::set<SeriesKey> used_;                 // By blocks, and not declared.
  std::size_t open_bytes_ = 0;               // Since the last commit.
};

// Of those that the node gave its own writes and that are still there.
HlcStamp last_stamp(const std::map<DatasetId, LwwMap>& maps, const NodeId& node) {
  HlcStamp last;
  for (const auto& [dataset, map] : maps) {
    for (const auto& [key, latest] : map.entries()) {
      for (const MapEntry* const entry : map.writes(key)) {
        if (entry->version.dot.stream.node == node) last = std::max(last, entry->version.stamp);
      }
    }
  }
  return last;
}

Status Rebuild::create(const std::string& path) {
  Meta meta = rows_.meta.value_or(Meta{});
  meta.identity = report_.identity;
  meta.obeyed = {};  // What is found may be older than that.
  if (!rows_.meta) meta.clock = last_stamp(rows_.maps, meta.identity.node);
  return create_store(path, meta, false);
}

// The list in its order, and that a new one begins.
Status Rebuild::note_incarnations() {
  if (Status status = database_->run("DELETE FROM incarnations"); !status) return status;
  std::set<Incarnation> noted;
  for (const auto& [number, one] : rows_.incarnations) {
    const auto& [incarnation, reason] = one;
    if (!noted.insert(incarnation).second) continue;
    if (Status status = note_incarnation(*database_, incarnation, reason); !status) return status;
  }
  return note_incarnation(*database_, report_.identity.incarnation, "repaired");
}

Status Rebuild::fill() {
  if (Status status = note_incarnations(); !status) return status;
  if (Status status = put_rows(); !status) return status;
  if (Status status = put_knowledge(); !status) return status;
  const Result<std::uint64_t> nameless =
      salvage_blocks(pages_, rows_, [this](const StoredBlock& block) { return put_block(block); });
  if (!nameless) return nameless.error();
  report_.nameless = rows_.nameless + *nameless;
  describe_streams();
  return put_unnamed();
}

// A batch that breaks a rule is passed over: what it holds counts as lost.
Status Rebuild::put(const Batch& batch, bool& taken) {
  const Status status = writer_->apply(batch);
  taken = status.ok();
  if (taken || (status.error().code != ErrorCode::kFull && status.error().code != ErrorCode::kIo))
    return Done{};
  return status;
}

Status Rebuild::commit() {
  open_bytes_ = 0;
  return database_->commit_and_write_back();
}

Status Rebuild::put_rows() {
  bool taken = false;
  for (const auto& [key, decl] : rows_.series) {
    Batch batch;
    batch.declarations = {{key.stream, decl}};
    if (Status status = put(batch, taken); !status) return status;
    report_.series += taken ? 1 : 0;
  }
  for (const auto& [dataset, map] : rows_.maps) {
    for (const auto& [key, latest] : map.entries()) {
      for (const MapEntry* const entry : map.writes(key)) {
        if (Status status = put_entry({dataset, *entry}); !status) return status;
      }
    }
  }
  if (Status status = put_boots(); !status) return status;
  return put_floors();
}

// One at a time: a row that breaks a rule does not take the others with it.
Status Rebuild::put_boots() {
  bool taken = false;
  for (const BootOffset& offset : rows_.offsets) {
    Batch batch;
    batch.offsets = {offset};
    if (Status status = put(batch, taken); !status) return status;
  }
  // Of one place the row that was written last has been up for longest.
  std::vector<OwnBoot> own_boots = rows_.own_boots;
  std::stable_sort(own_boots.begin(), own_boots.end(),
                   [](const OwnBoot& a, const OwnBoot& b) { return a.up_max < b.up_max; });
  for (const OwnBoot& boot : own_boots) {
    Batch batch;
    batch.own_boots = {boot};
    if (Status status = put(batch, taken); !status) return status;
  }
  return Done{};
}

// Where entries may be lost, or are back that were taken out of their map, it is taken anew.
Status Rebuild::put_floors() {
  Batch batch;
  batch.pruning.surfaced = rows_.surfaced;
  for (const auto& [dataset, floor] : rows_.floors) {
    batch.pruning.floors.push_back({dataset, floor});
    batch.pruning.floors.back().floor.rejoining = floor.rejoining || !report_.maps_whole;
  }
  bool taken = false;
  return batch.pruning.empty() ? Status(Done{}) : put(batch, taken);
}

Status Rebuild::put_entry(const MapWrite& write) {
  Batch batch;
  batch.entries = {write};
  bool taken = false;
  if (Status status = put(batch, taken); !status) return status;
  report_.entries += taken ? 1 : 0;
  report_.maps_whole = report_.maps_whole && taken;
  const Dot& dot = write.entry.version.dot;
  if (taken) written_[dot.stream].add({dot.seq, dot.seq});
  return Done{};
}

// Of telemetry, what is held comes with the blocks. Numbers of ours that were never used are void: this
// incarnation is over.
Status Rebuild::put_knowledge() {
  Knowledge known = rows_.knowledge;
  known.join(ended_streams(known, before_));
  for (const auto& [stream, dots] : written_) known.at(stream);
  for (const auto& [stream, before] : known.entries()) {
    IntervalSet held;
    if (const auto at = written_.find(stream); at != written_.end())
      held = latest_runs(at->second, kMapRunsKept);
    if (is_map(stream) && report_.maps_whole && rows_.knowledge.find(stream) != nullptr) held = before.held();
    if (rows_.floors.contains(stream.dataset) && !report_.maps_whole) held = {};
    Batch batch;
    batch.knowledge.push_back({stream, with_held(before, held)});
    bool taken = false;
    if (Status status = put(batch, taken); !status) return status;
    if (!taken) report_.notes.push_back("what was known of " + describe(stream) + " breaks a rule");
  }
  return Done{};
}

Status Rebuild::put_rest(const StoredBlock& block, const IntervalSet& dots) {
  if (!check_block(block)) return Done{};
  for (const Interval run : dots.intervals()) {
    auto bytes = slice_block(*block.bytes, static_cast<std::uint32_t>(run.first - block.first),
                             static_cast<std::uint32_t>(run.size()), limits::kBlock);
    const auto summary = bytes ? peek_block(*bytes, limits::kBlock) : Result<BlockSummary>(bytes.error());
    if (!summary) continue;
    const Status status = put_block(stored_block(block.stream, run.first, *summary, *std::move(bytes)));
    if (!status) return status;
  }
  return Done{};
}

Status Rebuild::put_block(const StoredBlock& block) {
  const StreamKnowledge* const known = rows_.knowledge.find(block.stream);
  IntervalSet& events = events_[block.stream];
  const bool gone = known != nullptr && !known->held().contains(block.interval()) &&
                    known->dropped().intersects(block.interval());
  if (gone) return Done{};  // Pruned.
  // A block and those that became it may all stand somewhere: of each what is not here already.
  if (const IntervalSet more = IntervalSet(block.interval()).minus(events);
      more != IntervalSet(block.interval()))
    return put_rest(block, more);
  const Result<BlockSummary> summary = check_block(block);
  if (!summary) return Done{};
  std::uint64_t refused = 0;
  const auto offsets = offsets_in(block.stream, block.first, *block.bytes, *summary, refused);
  Batch batch;
  batch.blocks = {block};
  if (offsets) batch.offsets = *offsets;
  bool taken = false;
  if (Status status = put(batch, taken); !status || !taken) return status;
  events.add(block.interval());
  ++report_.blocks;
  report_.events += block.events;
  for (const SeriesNo series : summary->series) {
    if (series != kBootSeries && !rows_.series.contains({block.stream, series}))
      used_.insert({block.stream, series});
  }
  open_bytes_ += block.bytes->size();
  if (open_bytes_ < kTransactionBytes) return Done{};
  if (Status status = commit(); !status) return status;
  return database_->run("BEGIN IMMEDIATE");
}

Status Rebuild::put_unnamed() {
  used_.insert(rows_.unnamed.begin(), rows_.unnamed.end());
  for (const SeriesKey& key : used_) {
    Batch batch;
    batch.unnamed = {key};
    bool taken = false;
    if (Status status = put(batch, taken); !status) return status;
    const auto listed = rows_.listed_series.find(key);
    report_.unnamed.push_back({key, listed == rows_.listed_series.end() ? "" : listed->second});
  }
  return Done{};
}

void Rebuild::describe_streams() {
  Knowledge known = rows_.knowledge;
  for (const auto* const there : {&written_, &events_}) {
    for (const auto& [stream, dots] : *there) known.at(stream);
  }
  const Knowledge& now = writer_->knowledge();
  for (const auto& [stream, before] : known.entries()) {
    const StreamKnowledge* const after = now.find(stream);
    RepairReport::Stream line{stream, is_map(stream), rows_.knowledge.find(stream) != nullptr, {}, {}};
    line.there = line.is_map ? written_[stream] : events_[stream];
    line.asked = after == nullptr ? before.held() : before.held().minus(after->held());
    report_.streams.push_back(std::move(line));
  }
}

// --- The whole of it -------------------------------------------------------------------------------------

void note_lost(const Salvaged& rows, RepairReport& report) {
  if (!rows.meta)
    report.notes.emplace_back("the row that names the node and its clock: the fence has the name");
  const bool listed =
      rows.meta && std::any_of(rows.incarnations.begin(), rows.incarnations.end(), [&](const auto& one) {
        return one.second.first == rows.meta->identity.incarnation;
      });
  if (!listed) report.notes.emplace_back("rows of the list of incarnations");
  for (const auto& [dataset, key] : rows.listed_keys) {
    const auto map = rows.maps.find(dataset);
    if (map == rows.maps.end() || map->second.find_entry(key) == nullptr)
      report.keys.emplace_back(dataset, key);
  }
}

Status build(const std::string& path, RepairReport& report) {
  const Result<PageFile> pages = PageFile::open(path);
  if (!pages) return pages.error();
  const Result<Salvaged> rows = salvage_rows(*pages);
  if (!rows) return rows.error();
  const Result<Identity> before = find_identity(path, *rows);
  if (!before) return before.error();
  report.identity.node = before->node;
  if (Status status = fill_random(report.identity.incarnation.bytes); !status) return status;
  report.maps_whole = pages->log_ends() && maps_are_whole(path, *rows);
  note_lost(*rows, report);
  return Rebuild(*pages, *rows, *before, report).run(waiting_store(path) + ".part");
}

// From the rename on, the new store counts.
Status make_waiting_store(const std::string& path, RepairReport& report) {
  const std::string part = waiting_store(path) + ".part";
  Status status = remove_database(part);
  if (status) status = build(path, report);
  if (status) status = require_sound(part);
  if (status) copy_owner(path, part);
  if (status) status = sync_file(part);
  if (status) status = rename_file(part, waiting_store(path), true);
  if (!status) static_cast<void>(remove_database(part));
  return status;
}

Result<bool> is_there(const std::string& path) {
  for (const std::string& name : {path, waiting_store(path)}) {
    const Result<FileFacts> facts = file_facts(name);
    if (!facts) return facts.error();
    if (facts->exists) return true;
  }
  return false;
}

}  // namespace

bool RepairReport::lost_something() const {
  const auto damaged = [](const Stream& one) { return !one.known || !one.asked.empty(); };
  return outcome == Outcome::kFinished || !unnamed.empty() || !maps_whole || nameless > 0 || !notes.empty() ||
         std::any_of(streams.begin(), streams.end(), damaged);
}

Result<RepairReport> repair_store(const std::string& path) {
  const Result<bool> there = is_there(path);
  if (!there) return there.error();
  if (!*there) return Error{ErrorCode::kNotFound, path + " does not exist"};
  const Result<LockFile> lock = LockFile::take(path + ".lock");
  if (!lock) return lock.error();
  RepairReport report;
  Result<std::optional<std::string>> kept = finish_swap(path);
  if (!kept) return kept.error();
  if (*kept) return report.outcome = RepairReport::Outcome::kFinished, report.kept = **kept, report;
  const Result<bool> damaged = is_damaged(path);
  if (!damaged) return damaged.error();
  if (!*damaged) return report;
  if (Status status = make_waiting_store(path, report); !status) return status.error();
  kept = finish_swap(path);
  if (!kept) return kept.error();
  report.outcome = RepairReport::Outcome::kRepaired;
  report.kept = kept->value_or("");
  return report;
}

}  // namespace deltamesh
