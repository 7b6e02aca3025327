// engine/sqlite/check.cc - table by table, so that damage in one does not hide what is in the others.
#include "engine/sqlite/check.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "engine/batch_rules.h"
#include "engine/block_cursor.h"
#include "engine/sqlite/files.h"
#include "engine/sqlite/prune_rows.h"
#include "engine/sqlite/schema.h"
#include "engine/sqlite/sqlite_reader.h"

namespace deltamesh {
namespace {

using namespace sqlite;

// The file, or what it needs to be read, is out of reach for now.
bool is_damage(const Error& error) {
  return error.code != ErrorCode::kIo && error.code != ErrorCode::kFull;
}

class Check {
 public:
  explicit Check(Database& database) : database_(database) {}

  // An error: something else than damage kept it from looking.
  Result<CheckReport> run() && {
    pages();
    identity();
    streams();
    series();
    entries();
    arrivals();
    blocks();
    knowledge();
    if (trouble_) return *trouble_;
    return std::move(report_);
  }

 private:
  void find(const char* where, const std::string& what) {
    if (report_.findings.size() < kCheckFindingsMax)
      report_.findings.push_back(std::string(where) + ": " + what);
    ++report_.found;
  }
  void take_error(const char* where, const Error& error) {
    if (is_damage(error)) return find(where, error.text);
    trouble_ = error;
  }
  template <class Value>
  void find_error(const char* where, const Result<Value>& result) {
    if (!result) take_error(where, result.error());
  }

  // Every row of `query`; what cannot be read ends it, what `take` refuses does not.
  template <class Take>
  void rows(const char* where, Result<Statement> query, Take take) {
    if (!query) return take_error(where, query.error());
    for (;;) {
      const Result<bool> row = query->step();
      if (!row) return take_error(where, row.error());
      if (!*row) return;
      find_error(where, take(*query));
    }
  }

  // The same; what `read` makes of a row is handed to `take`.
  template <class Read, class Take>
  void values(const char* where, Result<Statement> query, Read read, Take take) {
    rows(where, std::move(query), [&](const Statement& row) -> Status {
      const auto value = read(row);
      if (!value) return value.error();
      take(*value);
      return Done{};
    });
  }

  void pages();
  void identity();
  void streams();
  void series();
  void entries();
  void arrivals();
  void blocks();
  Status take_block(const Statement& row);
  void knowledge();
  void compare(const Knowledge::Entry& entry);

  Database& database_;
  CheckReport report_;
  std::optional<Error> trouble_;
  std::map<StreamKey, StreamId> names_;
  std::set<DatasetId> maps_;              // Of which there are entries; one that ever had any has some.
  std::map<StreamId, IntervalSet> seen_;  // Dots of blocks.
};

void Check::pages() {
  rows("pages", database_.prepare("PRAGMA integrity_check(100)"), [](const Statement& row) -> Status {
    if (row.text(0) == "ok") return Done{};
    return Error{ErrorCode::kCorrupt, row.text(0)};
  });
}

void Check::identity() {
  find_error("tables", check_tables(database_));
  find_error("meta", read_meta(database_));
  rows("incarnations", database_.prepare(select_incarnations()), read_incarnation);
}

void Check::streams() {
  values("streams", database_.prepare(select_streams()), read_stream_row, [this](const StreamRow& stream) {
    names_.emplace(stream.key, stream.stream);
    ++report_.streams;
  });
}

void Check::series() {
  values("series", database_.prepare(select_series("")), read_series,
         [this](const StreamSeries& series) { report_.series += series.decl.name.empty() ? 0 : 1; });
}

void Check::entries() {
  values("map_entries", database_.prepare(select_entries("")), read_entry, [this](const MapWrite& write) {
    maps_.insert(write.dataset);
    ++report_.entries;
  });
  // A map with a floor may have no entries left, or hold nothing of some that it has.
  values("map_floors", database_.prepare(std::string("SELECT ") + kFloorColumns + " FROM map_floors"),
         read_floor, [this](const StoredFloor& stored) { maps_.insert(stored.dataset); });
  values("surfaced", database_.prepare(select_surfaced("")), read_surfaced, [](const MapWrite&) {});
}

void Check::arrivals() {
  rows("arrivals", database_.prepare(select_arrivals("")), read_arrival);
  rows("tier_acks", database_.prepare(select_acks()), read_ack);
  rows("boots", database_.prepare(select_offsets("")), read_offset);
  rows("own_boots", database_.prepare(select_own_boots()), read_own_boot);
}

// In the order of the table itself: whether the index agrees, SQLite has said.
void Check::blocks() {
  rows("blocks", database_.prepare(std::string("SELECT ") + kBlockColumns + ", stream FROM blocks"),
       [this](const Statement& row) { return take_block(row); });
}

Status Check::take_block(const Statement& row) {
  const auto stream = names_.find(row.integer(kBlockColumnCount));
  if (stream == names_.end()) return Error{ErrorCode::kCorrupt, "a block of a stream that is not there"};
  const Result<StoredBlock> block = read_block(row, stream->second);
  if (!block) return block.error();
  IntervalSet& seen = seen_[block->stream];
  if (seen.intersects(block->interval()))
    return Error{ErrorCode::kCorrupt,
                 "the block of " + describe(block->stream, block->interval()) + " overlaps another"};
  seen.add(block->interval());
  if (const auto sound = check_block(*block); !sound) return sound.error();
  ++report_.blocks;
  report_.events += block->events;
  return Done{};
}

void Check::knowledge() {
  values("knowledge", database_.prepare(select_knowledge()), read_knowledge,
         [this](const Knowledge::Entry& entry) {
           compare(entry);
           seen_.erase(entry.stream);
         });
  for (const auto& [stream, dots] : seen_)
    find("knowledge", "nothing is known of " + describe(stream) + ", of which something is there");
}

// Of a map, superseded writes are held and not there; and entries of half a delta are there and not held yet.
void Check::compare(const Knowledge::Entry& entry) {
  const IntervalSet& seen = seen_[entry.stream];
  const IntervalSet unknown = seen.minus(entry.known.held());
  if (!unknown.empty())
    find("knowledge", "there, and not known to be held: " + describe(entry.stream, unknown.intervals()[0]));
  if (seen.empty() && maps_.contains(entry.stream.dataset)) return;
  for (const Interval& dots : entry.known.held().minus(seen).intervals())
    find("knowledge", "known to be held, and not there: " + describe(entry.stream, dots));
}

}  // namespace

Result<CheckReport> check_contents(const std::string& path) {
  const auto before = StandingStore::at(path);
  if (!before) return before.error();
  Result<Database> database = Database::open_found(path);
  if (!database) return database.error();
  database->busy_timeout(kReaderPatience);
  Status opened = database->run("BEGIN");
  if (opened) opened = check_store(*database, path, false);
  if (opened) {
    Result<CheckReport> report = Check(*database).run();
    if (Status stands = before->check(path); !stands) return stands.error();
    return report;
  }
  if (opened.error().code != ErrorCode::kCorrupt) return opened.error();
  CheckReport report;
  report.findings.push_back(opened.error().text);
  report.found = 1;
  return report;
}

Status require_sound(const std::string& path) {
  const Result<CheckReport> report = check_contents(path);
  if (!report) return report.error();
  if (report->found == 0) return Done{};
  return Error{ErrorCode::kCorrupt, path + " is damaged: " + report->findings[0] +
                                        (report->found > 1 ? " (crdt-dump check says more)" : "")};
}

}  // namespace deltamesh
