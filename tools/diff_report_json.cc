// tools/diff_report_json.cc - a comparison as one JSON document.
#include <fmt/format.h>

#include <ostream>

#include "tools/diff_report.h"

namespace deltamesh {
namespace {

class DiffWriter {
 public:
  DiffWriter(std::ostream& out, const DatasetNames& names) : json_(out), names_(names) {}

  void write(const DumpRequest& request, const StoreDiff& diff) {
    json_.open('{').text("verdict", diff.equal() ? "equal" : "different").text("summary", verdict(diff));
    side("a", request.store, diff.a);
    side("b", request.other, diff.b);
    equal(diff);
    json_.number("changed_dots", diff.changed_dots);
    findings("only_a", diff.only_a);
    findings("only_b", diff.only_b);
    findings("events", diff.events);
    findings("samples", diff.samples);
    findings("series", diff.series);
    findings("entries", diff.entries);
    findings("disagreements", diff.disagreements);
    json_.close('}');
  }

 private:
  void side(const char* name, const std::string& path, const Identity& identity) {
    json_.key(name).open('{').text("store", path).text("node", hex(identity.node.bytes));
    json_.text("incarnation", hex(identity.incarnation.bytes)).close('}');
  }

  void counts(const DatasetCounts& counts) {
    json_.number("dots", counts.dots).number("samples", counts.samples).number("keys", counts.keys);
    json_.number("tombstones", counts.tombstones);
  }

  void equal(const StoreDiff& diff) {
    json_.key("equal").open('{');
    counts(diff.sum());
    json_.close('}').key("datasets").open('[');
    for (const DatasetCounts& dataset : diff.datasets) {
      json_.open('{');
      write_dataset(json_, dataset.dataset, names_);
      json_.text("kind", dataset.map ? "map" : "telemetry");
      counts(dataset);
      json_.close('}');
    }
    json_.close(']');
  }

  template <class T>
  void findings(const char* name, const Findings<T>& findings) {
    json_.key(name).open('{').number("total", findings.total).key("first").open('[');
    for (const T& finding : findings.first) {
      json_.open('{');
      fields(finding);
      json_.close('}');
    }
    json_.close(']').close('}');
  }

  void dots(const Interval& dots) { json_.number("first", dots.first).number("last", dots.last); }

  void dot(const Dot& dot) {
    write_stream(json_, dot.stream, names_);
    json_.number("seq", dot.seq);
  }

  void fields(const LoneDots& lone) {
    write_stream(json_, lone.stream, names_);
    dots(lone.dots);
    json_.text("other", to_string(lone.other));
  }

  void fields(const ChangedEvent& event) {
    dot(event.dot);
    head("a", event.a);
    head("b", event.b);
  }

  void head(const char* name, const EventHead& head) {
    json_.key(name).open('{').key("time").integer(head.time);
    json_.number("boot", head.boot).text("quality", to_string(head.quality));
    if (head.source) json_.number("session", head.source->session).number("counter", head.source->counter);
    json_.close('}');
  }

  void fields(const ChangedSample& sample) {
    dot(sample.dot);
    json_.key("time").integer(sample.time).text("series", sample.series);
    value("a", sample.a);
    value("b", sample.b);
  }

  void value(const std::string& side, const std::optional<Value>& value) {
    json_.key(side);
    value ? json_.value(*value) : json_.null();
    if (value) json_.text(side + "_type", to_string(type_of(*value)));
  }

  void fields(const ChangedSeries& series) {
    write_stream(json_, series.stream, names_);
    json_.number("number", series.number);
    decl("a", series.a);
    decl("b", series.b);
  }

  void decl(const char* side, const std::optional<SeriesDecl>& decl) {
    json_.key(side);
    if (!decl) {
      json_.null();
      return;
    }
    json_.open('{')
        .text("name", decl->name)
        .text("unit", decl->unit)
        .text("type", to_string(decl->type))
        .close('}');
  }

  void fields(const ChangedEntry& entry) {
    write_dataset(json_, entry.dataset, names_);
    json_.text("key", entry.a ? entry.a->key : entry.b->key);
    for (const auto& [side, found] : {std::pair("a", &entry.a), std::pair("b", &entry.b)}) {
      json_.key(side);
      *found ? write_entry(json_, **found, names_) : void(json_.null());
    }
  }

  void fields(const Disagreement& wrong) {
    json_.text("store", wrong.store == Disagreement::Store::kA ? "a" : "b");
    write_stream(json_, wrong.stream, names_);
    dots(wrong.dots);
    json_.text("what", to_string(wrong.kind));
  }

  DumpJson json_;
  const DatasetNames& names_;
};

}  // namespace

void write_diff(std::ostream& out, const DumpRequest& request, const StoreDiff& diff) {
  const DatasetNames names(request.names);
  DiffWriter(out, names).write(request, diff);
  out << '\n';
}

}  // namespace deltamesh
