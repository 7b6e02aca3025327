// crdt/block_sources.cc - sources, group by group: runs of one session, and steps of the counter.
#include "crdt/block_sources.h"

#include <algorithm>
#include <string>
#include <utility>

#include "crdt/block_groups.h"
#include "crdt/column.h"
#include "crdt/column_parts.h"

namespace deltamesh {
namespace {

using Ints = std::vector<std::int64_t>;

enum class Grouping : std::uint8_t { kNone = 0, kBySeries = 1 };

// How many of a group's events have a source.
constexpr std::int64_t kNobody = 0, kEverybody = 1, kSome = 2;

// In the order in which they are written. A run is a group's events of one session, one after the other.
struct SourceColumns {
  Ints presence;            // One a group.
  Ints some;                // One an event of the groups with kSome: whether it has a source.
  Ints runs;                // One a group with a source: how many.
  Ints lengths;             // One a run, without the last of each group: its events.
  Ints sessions, counters;  // One a run; the counter is that of its first event.
  Ints steps;  // One an event with a source that is not the first of its run: from the last counter.
};

class SourceWriter {
 public:
  explicit SourceWriter(const BlockColumns& columns) : columns_(columns) {}

  void add_group(std::span<const std::uint32_t> events) {
    const auto present = [this](std::uint32_t event) { return columns_.has_source[event] != 0; };
    const auto count = static_cast<std::size_t>(std::count_if(events.begin(), events.end(), present));
    out_.presence.push_back(count == 0 ? kNobody : count == events.size() ? kEverybody : kSome);
    if (count == 0) return;
    if (count < events.size())
      for (const std::uint32_t event : events) out_.some.push_back(columns_.has_source[event]);
    add_runs(events);
  }

  [[nodiscard]] Bytes written(Grouping grouping) const {
    Bytes bytes{static_cast<std::byte>(grouping)};
    for (const Ints* column :
         {&out_.presence, &out_.some, &out_.runs, &out_.lengths, &out_.sessions, &out_.counters, &out_.steps})
      if (!column->empty()) encode_ints(bytes, *column);
    return bytes;
  }

 private:
  void add_runs(std::span<const std::uint32_t> events) {
    std::int64_t runs = 0, length = 0, session = 0, last = 0;
    for (const std::uint32_t event : events) {
      if (columns_.has_source[event] == 0) continue;
      const std::int64_t counter = columns_.counters[event];
      if (runs > 0 && columns_.sessions[event] == session) {
        out_.steps.push_back(wrap(word(counter) - word(last)));
      } else {
        if (runs > 0) out_.lengths.push_back(length);
        ++runs, length = 0, session = columns_.sessions[event];
        out_.sessions.push_back(session);
        out_.counters.push_back(counter);
      }
      ++length, last = counter;
    }
    out_.runs.push_back(runs);
  }

  const BlockColumns& columns_;
  SourceColumns out_;
};

Bytes written(const BlockColumns& columns, const EventGroups& groups, Grouping grouping) {
  SourceWriter writer(columns);
  for (std::size_t group = 0; group < groups.size(); ++group) writer.add_group(groups[group]);
  return writer.written(grouping);
}

Error invalid(std::string text) {
  return block_error(ErrorCode::kInvalid, std::move(text));
}

// The length of each column follows from those before it, and is never more than the block has events.
class SourceReader {
 public:
  SourceReader(ByteView in, const EventGroups& groups, BlockColumns& columns)
      : in_(in), groups_(groups), columns_(columns) {}

  Status run() {
    if (Status done = read_presence(); !done) return done;
    if (Status done = read_runs(); !done) return done;
    if (!in_.empty()) return invalid("other bytes follow the sources");
    columns_.sessions.resize(columns_.shape_ids.size());
    columns_.counters.resize(columns_.shape_ids.size());
    auto runs = read_.runs.begin();
    for (std::size_t group = 0; group < groups_.size(); ++group) {
      if (counts_[group] == 0) continue;
      if (Status done = place(groups_[group], counts_[group], *runs++); !done) return done;
    }
    return Done{};
  }

 private:
  Status read_column(Ints& column, std::size_t size) {
    column.resize(size);
    return size == 0 ? Status(Done{}) : decode_ints(in_, column);
  }
  Status read_column(Ints& column, std::size_t size, std::int64_t min, std::int64_t max) {
    if (Status done = read_column(column, size); !done) return done;
    const auto outside = [=](std::int64_t value) { return value < min || value > max; };
    if (std::none_of(column.begin(), column.end(), outside)) return Done{};
    return invalid("numbers among the sources are out of range");
  }

  Status read_presence();
  Status mark(std::span<const std::uint32_t> events, std::size_t next);
  Status read_runs();
  Status place(std::span<const std::uint32_t> events, std::int64_t count, std::int64_t runs);

  ByteView in_;
  const EventGroups& groups_;
  BlockColumns& columns_;
  SourceColumns read_;
  std::vector<std::int64_t> counts_;  // Events with a source, one a group.
  std::size_t next_run_ = 0, next_length_ = 0, next_step_ = 0;
};

// The events of a group in which some have a source, which `some` says from `next` on.
Status SourceReader::mark(std::span<const std::uint32_t> events, std::size_t next) {
  std::int64_t count = 0;
  for (const std::uint32_t event : events) count += columns_.has_source[event] = read_.some[next++];
  counts_.push_back(count);
  if (count > 0 && static_cast<std::size_t>(count) < events.size()) return Done{};
  return invalid("a group in which some events have a source has none or only such");
}

Status SourceReader::read_presence() {
  if (Status done = read_column(read_.presence, groups_.size(), kNobody, kSome); !done) return done;
  std::size_t some = 0;
  for (std::size_t group = 0; group < groups_.size(); ++group)
    if (read_.presence[group] == kSome) some += groups_[group].size();
  if (Status done = read_column(read_.some, some, 0, 1); !done) return done;
  columns_.has_source.resize(columns_.shape_ids.size());
  some = 0;
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    const auto events = groups_[group];
    if (read_.presence[group] == kSome) {
      if (Status done = mark(events, some); !done) return done;
      some += events.size();
      continue;
    }
    for (const std::uint32_t event : events) columns_.has_source[event] = read_.presence[group];
    counts_.push_back(read_.presence[group] == kNobody ? 0 : static_cast<std::int64_t>(events.size()));
  }
  return Done{};
}

Status SourceReader::read_runs() {
  const auto groups = static_cast<std::size_t>(
      std::count_if(counts_.begin(), counts_.end(), [](std::int64_t count) { return count > 0; }));
  const auto events = static_cast<std::int64_t>(columns_.shape_ids.size());
  if (groups == 0) return invalid("source columns without a source");
  if (Status done = read_column(read_.runs, groups, 1, events); !done) return done;
  std::int64_t count = 0, runs = 0;
  auto next = read_.runs.begin();
  for (const std::int64_t in_group : counts_) {
    if (in_group == 0) continue;
    if (*next > in_group) return invalid("more runs of sessions than events");
    count += in_group, runs += *next++;
  }
  const auto run_count = static_cast<std::size_t>(runs);
  if (Status done = read_column(read_.lengths, run_count - groups, 1, events); !done) return done;
  if (Status done = read_column(read_.sessions, run_count); !done) return done;
  if (Status done = read_column(read_.counters, run_count); !done) return done;
  return read_column(read_.steps, static_cast<std::size_t>(count - runs));
}

// `count` of the events have a source. Every run but the last has its length, and leaves one to each after
// it.
Status SourceReader::place(std::span<const std::uint32_t> events, std::int64_t count, std::int64_t runs) {
  std::int64_t left = 0;  // In this run.
  std::uint64_t counter = 0;
  const std::size_t first_run = next_run_;
  for (const std::uint32_t event : events) {
    if (columns_.has_source[event] == 0) continue;
    if (left > 0) {
      counter += word(read_.steps[next_step_++]);
    } else {
      left = --runs == 0 ? count : read_.lengths[next_length_++];
      if (left > count - runs) return invalid("a run of one session is longer than its group");
      if (next_run_ > first_run && read_.sessions[next_run_] == read_.sessions[next_run_ - 1])
        return invalid("a session goes on in a run of its own");
      counter = word(read_.counters[next_run_++]);
    }
    --left, --count;
    columns_.sessions[event] = read_.sessions[next_run_ - 1];
    columns_.counters[event] = wrap(counter);
  }
  return Done{};
}

}  // namespace

void put_sources(Bytes& out, const BlockColumns& columns) {
  Bytes sources = written(columns, one_group(columns), Grouping::kNone);
  const EventGroups groups = groups_by_series(columns);
  if (groups.size() > 1) {
    Bytes grouped = written(columns, groups, Grouping::kBySeries);
    if (grouped.size() < sources.size()) sources = std::move(grouped);
  }
  out.insert(out.end(), sources.begin(), sources.end());
}

Status get_sources(ByteView in, BlockColumns& columns) {
  if (in.empty()) return invalid("the sources are cut short");
  const auto grouping = std::to_integer<std::uint8_t>(in[0]);
  if (grouping > static_cast<std::uint8_t>(Grouping::kBySeries))
    return block_error(ErrorCode::kUnsupported,
                       "grouping " + std::to_string(grouping) + " of sources is unknown");
  const bool by_series = grouping == static_cast<std::uint8_t>(Grouping::kBySeries);
  const EventGroups groups = by_series ? groups_by_series(columns) : one_group(columns);
  return SourceReader(in.subspan(1), groups, columns).run();
}

}  // namespace deltamesh
