// engine/store_diff.cc - all streams and all maps of two stores.
#include "engine/store_diff.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/stored_rules.h"
#include "engine/stream_diff.h"

namespace deltamesh {
namespace {

const StreamKnowledge& known(const Knowledge& knowledge, const StreamId& stream) {
  static const StreamKnowledge nothing;
  const StreamKnowledge* found = knowledge.find(stream);
  return found != nullptr ? *found : nothing;
}

struct ByStream {
  bool operator()(const StreamSeries& x, const StreamId& y) const { return x.stream < y; }
  bool operator()(const StreamId& x, const StreamSeries& y) const { return x < y.stream; }
};

// A store with all of it that is small; blocks are asked for as they are needed.
struct Side {
  const StoreReader& reader;
  std::string name;
  StoreImage image;
  ForgetRules rules;

  // Calls `each` for the declarations of one stream.
  template <class Each>
  void for_each_series(const StreamId& stream, const Each& each) const {
    const auto [from, to] = std::equal_range(image.series.begin(), image.series.end(), stream, ByStream());
    std::for_each(from, to, [&](const StreamSeries& series) { each(series.decl); });
  }
};

Result<Side> load(const StoreReader& reader, const std::string& name) {
  auto image = reader.image();
  if (!image) return Error{image.error().code, name + ": " + image.error().text};
  auto rules = read_rules(reader);
  if (!rules) return Error{rules.error().code, name + ": " + rules.error().text};
  return Side{reader, name, std::move(*image), std::move(*rules)};
}

class Comparison {
 public:
  Comparison(Side a, Side b, const DiffOptions& options)
      : a_(std::move(a)), b_(std::move(b)), options_(options) {
    for (const Side* side : {&a_, &b_}) rules_.join(side->rules);
  }

  Result<StoreDiff> run() {
    out_.a = a_.image.identity;
    out_.b = b_.image.identity;
    compare_entries();
    for (const StreamId& stream : streams()) {
      if (Status status = compare_stream(stream); !status) return status.error();
    }
    for (auto& [id, counts] : datasets_) out_.datasets.push_back(counts);
    return std::move(out_);
  }

 private:
  // All that either store has heard of: the contents of one are a question to the other.
  [[nodiscard]] std::set<StreamId> streams() const {
    std::set<StreamId> all;
    for (const Side* side : {&a_, &b_}) {
      for (const auto& entry : side->image.knowledge.entries()) all.insert(entry.stream);
      for (const auto& series : side->image.series) all.insert(series.stream);
    }
    return all;
  }

  DatasetCounts& counts(DatasetId dataset) {
    DatasetCounts& found = datasets_[dataset];
    found.dataset = dataset;
    return found;
  }

  Status compare_stream(const StreamId& stream) {
    SeriesPairs pairs;
    a_.for_each_series(stream, [&](const SeriesDecl& decl) { pairs.declare_a(decl); });
    b_.for_each_series(stream, [&](const SeriesDecl& decl) { pairs.declare_b(decl); });
    DatasetCounts& equal = counts(stream.dataset);
    StreamDiff diff(stream, std::move(pairs), rules_, options_, out_, equal);
    BlockCursor in_a(a_.reader, stream, a_.name), in_b(b_.reader, stream, b_.name);
    if (Status status = diff.walk(in_a, in_b); !status) return status;
    diff.judge_dots(known(a_.image.knowledge, stream), known(b_.image.knowledge, stream), !equal.map);
    diff.judge_series();
    return Done{};
  }

  // Merges the entries of both by (dataset, key), the order in which an image has them. Of a map whose keys
  // are all forgotten there is only the floor.
  void compare_entries() {
    for (const Side* side : {&a_, &b_})
      for (const StoredFloor& stored : side->image.floors) counts(stored.dataset).map = true;
    const auto key = [](const MapWrite& write) { return std::tie(write.dataset, write.entry.key); };
    const auto &left = a_.image.entries, &right = b_.image.entries;
    for (auto x = left.begin(), y = right.begin(); x != left.end() || y != right.end();) {
      const bool use_x = x != left.end() && (y == right.end() || key(*x) <= key(*y));
      const bool use_y = y != right.end() && (x == left.end() || key(*y) <= key(*x));
      compare_entry(use_x ? &*x : nullptr, use_y ? &*y : nullptr);
      if (use_x) ++x;
      if (use_y) ++y;
    }
  }

  // A tombstone that one of them lets go, sooner or later.
  [[nodiscard]] bool may_go(const MapWrite& write) const {
    const auto lets_go = [&write](const StoredFloor& stored) {
      return stored.dataset == write.dataset && stored.floor.is_below(write.entry.version) &&
             stored.floor.collected.holds(write.entry.version.dot);
    };
    const auto any = [&](const Side& side) {
      return std::any_of(side.image.floors.begin(), side.image.floors.end(), lets_go);
    };
    return write.entry.tombstone && (any(a_) || any(b_));
  }

  void compare_entry(const MapWrite* x, const MapWrite* y) {
    const DatasetId dataset = x != nullptr ? x->dataset : y->dataset;
    DatasetCounts& equal = counts(dataset);
    equal.map = true;
    if (x != nullptr && y != nullptr && x->entry == y->entry) {
      ++(x->entry.tombstone ? equal.tombstones : equal.keys);
      return;
    }
    if ((x == nullptr || y == nullptr) && may_go(x != nullptr ? *x : *y)) return;
    ChangedEntry finding{dataset, {}, {}};
    if (x != nullptr) finding.a = x->entry;
    if (y != nullptr) finding.b = y->entry;
    out_.entries.add(std::move(finding), options_.findings_max);
  }

  Side a_, b_;
  const DiffOptions& options_;
  ForgetRules rules_;  // Of both.
  std::map<DatasetId, DatasetCounts> datasets_;
  StoreDiff out_;
};

}  // namespace

bool StoreDiff::equal() const {
  return only_a.total == 0 && only_b.total == 0 && changed_dots == 0 && series.total == 0 &&
         entries.total == 0 && disagreements.total == 0;
}

DatasetCounts StoreDiff::sum() const {
  DatasetCounts sum;
  for (const DatasetCounts& counts : datasets) {
    sum.dots += counts.dots;
    sum.samples += counts.samples;
    sum.keys += counts.keys;
    sum.tombstones += counts.tombstones;
  }
  return sum;
}

Result<StoreDiff> diff_stores(const StoreReader& a, const StoreReader& b, const DiffOptions& options) {
  auto left = load(a, options.name_a);
  if (!left) return left.error();
  auto right = load(b, options.name_b);
  if (!right) return right.error();
  return Comparison(std::move(*left), std::move(*right), options).run();
}

}  // namespace deltamesh
