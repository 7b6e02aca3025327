// tools/diff_report.cc - a comparison in words.
#include "tools/diff_report.h"

#include <fmt/format.h>

#include <ostream>

#include "tools/text_table.h"

namespace deltamesh {
namespace {

// Names the type where the two would look alike without it.
std::string value_beside(const std::optional<Value>& value, const std::optional<Value>& other) {
  if (!value) return "none";
  const bool same_type = other && type_of(*value) == type_of(*other);
  return value_text(*value) +
         (other && !same_type ? std::string(" (") + to_string(type_of(*value)) + ")" : "");
}

std::string head_text(const EventHead& head) {
  std::string text =
      head.boot == 0 ? fmt::format("time {}", head.time) : fmt::format("boot {} + {}", head.boot, head.time);
  text += fmt::format(", {}", to_string(head.quality));
  if (head.source) text += fmt::format(", source {}:{}", head.source->session, head.source->counter);
  return text;
}

std::string decl_text(const std::optional<SeriesDecl>& decl) {
  if (!decl) return "undeclared";
  return fmt::format("\"{}\" in \"{}\" ({})", decl->name, decl->unit, to_string(decl->type));
}

std::string entry_text(const std::optional<MapEntry>& entry) {
  return entry ? value_text(*entry) + ", " + version_text(entry->version) : "none";
}

class DiffPrinter {
 public:
  DiffPrinter(std::ostream& out, const DatasetNames& names) : out_(out), names_(names) {}

  void print(const StoreDiff& diff) {
    lone("only in A", "B", diff.only_a);
    lone("only in B", "A", diff.only_b);
    each("events that differ under one dot", diff.events, [this](const ChangedEvent& event) {
      two(dot_text(event.dot), head_text(event.a), head_text(event.b));
    });
    each("samples that differ under one dot", diff.samples, [this](const ChangedSample& sample) {
      two(fmt::format("{}  {}  time {}", dot_text(sample.dot), sample.series, sample.time),
          value_beside(sample.a, sample.b), value_beside(sample.b, sample.a));
    });
    each("series declared differently", diff.series, [this](const ChangedSeries& series) {
      two(fmt::format("{}  number {}", stream_text(series.stream, names_), series.number),
          decl_text(series.a), decl_text(series.b));
    });
    each("map entries that differ", diff.entries, [this](const ChangedEntry& entry) {
      two(names_(entry.dataset) + "  " + printable(entry.a ? entry.a->key : entry.b->key),
          entry_text(entry.a), entry_text(entry.b));
    });
    each("dots of which a store's knowledge contradicts its contents", diff.disagreements,
         [this](const Disagreement& wrong) {
           out_ << fmt::format("  {}  {}  {}: {}\n", wrong.store == Disagreement::Store::kA ? "A" : "B",
                               stream_text(wrong.stream, names_), interval_text(wrong.dots),
                               to_string(wrong.kind));
         });
  }

 private:
  template <class T, class Print>
  void each(const char* title, const Findings<T>& findings, const Print& print) {
    if (findings.total == 0) return;
    out_ << fmt::format("\n{} {}\n", grouped(findings.total), title);
    for (const T& finding : findings.first) print(finding);
    if (findings.cut) out_ << "  ... more; --limit shows more of each kind\n";
  }

  void lone(const char* where, const char* other, const Findings<LoneDots>& findings) {
    const std::string title = std::string("dots ") + where;
    each(title.c_str(), findings, [&](const LoneDots& dots) {
      out_ << fmt::format("  {}  {}  ({}: {})\n", stream_text(dots.stream, names_), interval_text(dots.dots),
                          other, to_string(dots.other));
    });
  }

  void two(const std::string& what, const std::string& a, const std::string& b) {
    out_ << fmt::format("  {}\n    A  {}\n    B  {}\n", what, a, b);
  }

  [[nodiscard]] std::string dot_text(const Dot& dot) const {
    return fmt::format("{} dot {}", stream_text(dot.stream, names_), dot.seq);
  }

  std::ostream& out_;
  const DatasetNames& names_;
};

void print_side(std::ostream& out, const char* side, const std::string& path, const Identity& identity) {
  out << fmt::format("{}  {}  node {} incarnation {}\n", side, path, hex(identity.node.bytes),
                     hex(identity.incarnation.bytes));
}

void print_equal(std::ostream& out, const StoreDiff& diff, const DatasetNames& names) {
  TextTable table({"equal in both", "kind", ">dots", ">samples", ">keys", ">tombstones"});
  for (const DatasetCounts& counts : diff.datasets) {
    table.add({names(counts.dataset), counts.map ? "map" : "telemetry", grouped(counts.dots),
               grouped(counts.samples), grouped(counts.keys), grouped(counts.tombstones)});
  }
  if (!table.empty()) table.print(out);
}

void list(std::string& text, std::uint64_t count, const char* what) {
  if (count == 0) return;
  text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
}

}  // namespace

const char* to_string(DotState state) {
  switch (state) {
    case DotState::kUnknown: return "never heard of";
    case DotState::kVoid: return "declared void";
    case DotState::kLost: return "declared lost by its writer";
    case DotState::kDropped: return "given up there";
    case DotState::kHeld: return "held, without the event";
  }
  return "unknown";
}

const char* to_string(Disagreement::Kind kind) {
  switch (kind) {
    case Disagreement::Kind::kHeldWithoutEvent: return "held, without the event";
    case Disagreement::Kind::kEventNotHeld: return "an event, not held";
  }
  return "unknown";
}

std::string verdict(const StoreDiff& diff) {
  if (diff.equal()) {
    const DatasetCounts sum = diff.sum();
    return fmt::format("equal: {} dots, {} samples, {} keys", sum.dots, sum.samples, sum.keys);
  }
  std::string kinds;
  list(kinds, diff.only_a.total, "dots only in A");
  list(kinds, diff.only_b.total, "dots only in B");
  list(kinds, diff.changed_dots, "dots with other contents");
  list(kinds, diff.samples.total, "samples differ");
  list(kinds, diff.series.total, "series declared differently");
  list(kinds, diff.entries.total, "map entries differ");
  list(kinds, diff.disagreements.total, "dots where knowledge contradicts contents");
  return "different: " + kinds;
}

void print_diff(std::ostream& out, const DumpRequest& request, const StoreDiff& diff) {
  const DatasetNames names(request.names);
  print_side(out, "A", request.store, diff.a);
  print_side(out, "B", request.other, diff.b);
  print_equal(out, diff, names);
  DiffPrinter(out, names).print(diff);
  out << (diff.equal() ? "" : "\n") << verdict(diff) << '\n';
}

}  // namespace deltamesh
