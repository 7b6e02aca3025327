// tools/dump_store.cc - crdt-dump STORE: all that a store is, on one page.
#include <fmt/format.h>

#include <ostream>

#include "tools/dump.h"
#include "tools/dump_parts.h"
#include "tools/text_table.h"

namespace deltamesh {
namespace {

constexpr std::size_t kIntervalsShown = 3;
constexpr std::size_t kSeriesShown = 20;

void write_counts(DumpJson& json, const StreamCounts& counts) {
  json.number("blocks", counts.blocks).number("events", counts.events).number("samples", counts.samples);
  json.number("marks", counts.marks);
  json.number("block_bytes", counts.bytes);
  if (!counts.fault.empty()) json.text("fault", counts.fault);
}

void write_datasets(DumpJson& json, const StoreSummary& summary, const DatasetNames& names) {
  json.key("datasets").open('[');
  for (const auto& [id, dataset] : summary.datasets) {
    json.open('{');
    write_dataset(json, id, names);
    json.text("kind", dataset.kind()).number("streams", dataset.streams).number("series", dataset.series);
    write_counts(json, dataset.counts);
    json.number("keys", dataset.keys).number("tombstones", dataset.tombstones);
    json.number("value_bytes", dataset.value_bytes).close('}');
  }
  json.close(']');
}

void write_streams(DumpJson& json, const StoreSummary& summary, const DatasetNames& names) {
  json.key("streams").open('[');
  for (const auto& [stream, counts] : summary.streams) {
    json.open('{');
    write_stream(json, stream, names);
    write_counts(json, counts);
    const StreamKnowledge* known = summary.image.knowledge.find(stream);
    write_knowledge(json, known != nullptr ? *known : StreamKnowledge{});
    json.close('}');
  }
  json.close(']');
}

void write_summary(std::ostream& out, const DumpRequest& request, const StoreSummary& summary) {
  const DatasetNames names(request.names);
  DumpJson json(out);
  json.open('{').text("store", request.store);
  json.text("node", hex(summary.image.identity.node.bytes));
  json.text("incarnation", hex(summary.image.identity.incarnation.bytes));
  json.number("clock", summary.image.clock.bits);
  write_datasets(json, summary, names);
  write_streams(json, summary, names);
  write_catalogue(json, summary.catalogue, names);
  json.close('}');
  out << '\n';
}

void print_identity(std::ostream& out, const DumpRequest& request, const StoreImage& image) {
  out << "store        " << request.store << "\nnode         " << hex(image.identity.node.bytes)
      << "\nincarnation  " << hex(image.identity.incarnation.bytes) << "\nclock        ";
  if (image.clock.bits == 0) {
    out << "never used\n";
  } else {
    out << time_text(image.clock.time().count(), Resolution::kMilliseconds) << '\n';
  }
}

void print_datasets(std::ostream& out, const StoreSummary& summary, const DatasetNames& names) {
  TextTable table({"dataset", "kind", ">streams", ">series", ">blocks", ">events", ">samples", ">marks",
                   ">block bytes", ">keys", ">tombstones", ">value bytes"});
  for (const auto& [id, dataset] : summary.datasets) {
    const StreamCounts& counts = dataset.counts;
    table.add({names(id), dataset.kind(), grouped(dataset.streams), grouped(dataset.series),
               grouped(counts.blocks), grouped(counts.events), grouped(counts.samples), grouped(counts.marks),
               grouped(counts.bytes), grouped(dataset.keys), grouped(dataset.tombstones),
               grouped(dataset.value_bytes)});
  }
  out << "\ndatasets\n";
  table.print(out);
}

void print_streams(std::ostream& out, const StoreSummary& summary, const DatasetNames& names) {
  TextTable table({"stream", ">blocks", ">events", ">samples", ">bytes", ">head", ">settled", "held",
                   "dropped", "void", "lost"});
  for (const auto& [stream, counts] : summary.streams) {
    const StreamKnowledge* found = summary.image.knowledge.find(stream);
    const StreamKnowledge known = found != nullptr ? *found : StreamKnowledge{};
    table.add({stream_text(stream, names), grouped(counts.blocks), grouped(counts.events),
               grouped(counts.samples), grouped(counts.bytes), std::to_string(known.head()),
               std::to_string(known.settled()) + (known.closed() ? " closed" : ""),
               interval_text(known.held(), kIntervalsShown), interval_text(known.dropped(), kIntervalsShown),
               interval_text(known.voided(), kIntervalsShown), interval_text(known.lost(), kIntervalsShown)});
  }
  out << "\nstreams\n";
  table.print(out);
}

void print_summary(std::ostream& out, const DumpRequest& request, const StoreSummary& summary) {
  const DatasetNames names(request.names);
  print_identity(out, request, summary.image);
  print_datasets(out, summary, names);
  print_streams(out, summary, names);
  out << "\ncatalogue: " << grouped(summary.catalogue.size()) << " series\n";
  print_catalogue(out, summary.catalogue, names, kSeriesShown);
  print_conflicts(out, summary.catalogue, names);
}

}  // namespace

// A stream that cannot be read to its end is an error, after all else has been shown.
Result<int> dump_store(const DumpRequest& request, std::ostream& out) {
  const auto reader = open_for_dump(request.store);
  if (!reader) return reader.error();
  const auto summary = summarize(**reader);
  if (!summary) return summary.error();
  request.json ? write_summary(out, request, *summary) : print_summary(out, request, *summary);
  for (const auto& [stream, counts] : summary->streams) {
    if (!counts.fault.empty()) return Error{ErrorCode::kCorrupt, counts.fault};
  }
  return kDumpFine;
}

}  // namespace deltamesh
