// tools/dump.cc - what the questions of crdt-dump share, and the small ones.
#include "tools/dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "tools/dump_parts.h"
#include "tools/store_summary.h"
#include "tools/text_table.h"

namespace deltamesh {
namespace {

void write_catalogue_line(DumpJson& json, const CatalogueLine& line, const DatasetNames& names) {
  json.open('{');
  write_dataset(json, line.dataset, names);
  json.text("name", line.name).text("unit", line.newest().unit).text("type", to_string(line.newest().type));
  json.boolean("conflict", line.conflict()).key("declared").open('[');
  for (const auto& [stream, decl] : line.declared) {
    json.open('{');
    write_stream(json, stream, names);
    json.number("number", decl.number).text("unit", decl.unit).text("type", to_string(decl.type)).close('}');
  }
  json.close(']').close('}');
}

constexpr std::size_t kIntervalsShown = 20;

void print_knowledge(std::ostream& out, const StreamKnowledge& known) {
  out << fmt::format("  head {}, settled {}{}\n", known.head(), known.settled(),
                     known.closed() ? ", closed" : "");
  const auto print = [&out](const char* what, const IntervalSet& set) {
    if (set.empty()) return;
    out << fmt::format("  {:<8} {} in {} intervals: {}\n", what, grouped(set.size()), set.intervals().size(),
                       interval_text(set, kIntervalsShown));
  };
  print("held", known.held());
  print("dropped", known.dropped());
  print("void", known.voided());
  print("of that lost", known.lost());
  print("missing", known.missing());
}

}  // namespace

Result<std::unique_ptr<SqliteReader>> open_for_dump(const std::string& path) {
  auto reader = SqliteReader::open_read_only(path);
  if (!reader) return reader;
  if (Status status = (*reader)->hold_still(); !status) return status.error();
  return reader;
}

Status require_dataset(const StoreReader& reader, const std::string& dataset) {
  const DatasetId id = DatasetNames::parse(dataset);
  const auto series = reader.series(id, std::nullopt);
  if (!series) return series.error();
  const auto knowledge = reader.knowledge();
  if (!knowledge) return knowledge.error();
  const auto& streams = knowledge->entries();
  const auto is_of_it = [id](const auto& entry) { return entry.stream.dataset == id; };
  if (!series->empty() || std::any_of(streams.begin(), streams.end(), is_of_it)) return Done{};
  return Error{ErrorCode::kNotFound, "the store holds nothing of a dataset \"" + dataset + "\""};
}

std::string stream_text(const StreamId& stream, const DatasetNames& names) {
  return fmt::format("{}/{} {}", names(stream.dataset), to_string(stream.cls), short_id(stream));
}

void write_dataset(DumpJson& json, DatasetId dataset, const DatasetNames& names) {
  json.text("dataset", names(dataset))
      .text("dataset_id", fmt::format("{:016x}", static_cast<std::uint64_t>(dataset)));
}

void write_stream(DumpJson& json, const StreamId& stream, const DatasetNames& names) {
  write_dataset(json, stream.dataset, names);
  json.text("class", to_string(stream.cls)).text("node", hex(stream.node.bytes));
  json.text("incarnation", hex(stream.incarnation.bytes));
}

void write_entry(DumpJson& json, const MapEntry& entry, const DatasetNames& names) {
  json.open('{').text("key", entry.key).number("epoch", entry.version.epoch);
  json.number("stamp", entry.version.stamp.bits);
  json.text("time", time_text(entry.version.stamp.time().count(), Resolution::kMilliseconds));
  write_stream(json, entry.version.dot.stream, names);
  json.number("seq", entry.version.dot.seq).boolean("tombstone", entry.tombstone);
  json.boolean("clock_trusted", !entry.untrusted);
  if (!entry.tombstone) json.text("value", entry.value);
  json.close('}');
}

void write_intervals(DumpJson& json, std::string_view name, const IntervalSet& set) {
  json.key(name).open('[');
  for (const Interval& dots : set.intervals()) json.open('[').number(dots.first).number(dots.last).close(']');
  json.close(']');
}

void write_knowledge(DumpJson& json, const StreamKnowledge& known) {
  json.number("head", known.head()).number("settled", known.settled()).boolean("closed", known.closed());
  write_intervals(json, "held", known.held());
  write_intervals(json, "dropped", known.dropped());
  write_intervals(json, "void", known.voided());
  write_intervals(json, "lost", known.lost());
}

void write_catalogue(DumpJson& json, const std::vector<CatalogueLine>& catalogue, const DatasetNames& names) {
  json.key("catalogue").open('[');
  for (const CatalogueLine& line : catalogue) write_catalogue_line(json, line, names);
  json.close(']');
}

void print_catalogue(std::ostream& out, const std::vector<CatalogueLine>& catalogue,
                     const DatasetNames& names, std::size_t show_max) {
  TextTable table({"dataset", "series", "unit", "type", ">streams", ""});
  for (std::size_t i = 0; i < std::min(show_max, catalogue.size()); ++i) {
    const CatalogueLine& line = catalogue[i];
    table.add({names(line.dataset), line.name, line.newest().unit, to_string(line.newest().type),
               std::to_string(line.declared.size()), line.conflict() ? "CONFLICT" : ""});
  }
  if (!table.empty()) table.print(out);
  if (catalogue.size() > show_max) out << fmt::format("  ... {} more\n", catalogue.size() - show_max);
}

void print_conflicts(std::ostream& out, const std::vector<CatalogueLine>& catalogue,
                     const DatasetNames& names) {
  TextTable table({"conflict", "unit", "type", "declared by", ">number"});
  for (const CatalogueLine& line : catalogue) {
    if (!line.conflict()) continue;
    for (const auto& [stream, decl] : line.declared) {
      table.add({line.name, decl.unit, to_string(decl.type), stream_text(stream, names),
                 std::to_string(decl.number)});
    }
  }
  if (!table.empty()) table.print(out);
}

Result<int> dump_knowledge(const DumpRequest& request, std::ostream& out) {
  const auto reader = open_for_dump(request.store);
  if (!reader) return reader.error();
  const auto knowledge = (*reader)->knowledge();
  if (!knowledge) return knowledge.error();
  const DatasetNames names(request.names);
  DumpJson json(out);
  if (request.json) json.open('{').key("knowledge").open('[');
  for (const auto& [stream, known] : knowledge->entries()) {
    if (!matches(stream, request.stream)) continue;
    if (request.json) {
      json.open('{');
      write_stream(json, stream, names);
      write_knowledge(json, known);
      json.close('}');
    } else {
      out << stream_text(stream, names) << '\n';
      print_knowledge(out, known);
    }
  }
  if (request.json) {
    json.close(']').close('}');
    out << '\n';
  }
  return kDumpFine;
}

Result<int> dump_catalogue(const DumpRequest& request, std::ostream& out) {
  const auto reader = open_for_dump(request.store);
  if (!reader) return reader.error();
  const auto image = (*reader)->image();
  if (!image) return image.error();
  const DatasetNames names(request.names);
  const auto catalogue = catalogue_of(*image);
  if (!request.json) {
    print_catalogue(out, catalogue, names, catalogue.size());
    print_conflicts(out, catalogue, names);
    return kDumpFine;
  }
  DumpJson json(out);
  json.open('{');
  write_catalogue(json, catalogue, names);
  json.close('}');
  out << '\n';
  return kDumpFine;
}

namespace {

Result<std::vector<MapEntry>> read_writes(const StoreReader& reader, const DumpRequest& request,
                                          DatasetId dataset) {
  if (request.surfaced) return reader.surfaced(dataset, EntryPage{});
  return request.conflicts ? reader.conflicts(dataset, EntryPage{}) : reader.entries(dataset, EntryPage{});
}

}  // namespace

Result<int> dump_entries(const DumpRequest& request, std::ostream& out) {
  const auto reader = open_for_dump(request.store);
  if (!reader) return reader.error();
  if (const auto known = require_dataset(**reader, request.dataset); !known) return known.error();
  const DatasetId dataset = DatasetNames::parse(request.dataset);
  const auto entries = read_writes(**reader, request, dataset);
  if (!entries) return entries.error();
  const DatasetNames names(request.names);
  DumpJson json(out);
  TextTable table({"key", "value", "version"});
  if (request.json) json.open('{').key("entries").open('[');
  for (const MapEntry& entry : *entries) {
    if (entry.tombstone && !request.tombstones && !request.conflicts && !request.surfaced) continue;
    if (request.json) {
      write_entry(json, entry, names);
    } else {
      table.add({printable(entry.key), value_text(entry),
                 version_text(entry.version) + (entry.untrusted ? ", clock not trusted" : "")});
    }
  }
  if (request.json) {
    json.close(']').close('}');
    out << '\n';
  } else {
    table.print(out);
  }
  return kDumpFine;
}

}  // namespace deltamesh
