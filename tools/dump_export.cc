// tools/dump_export.cc - crdt-dump export STORE [--out FILE] and import FILE STORE.
#include <fmt/format.h>

#include <fstream>
#include <iostream>

#include "engine/sqlite/files.h"
#include "tools/dump.h"
#include "tools/store_export.h"
#include "tools/text_table.h"

namespace deltamesh {
namespace {

template <class Counts>
void write_counts(DumpJson& json, const Counts& counts) {
  json.number("streams", counts.streams).number("series", counts.series).number("blocks", counts.blocks);
  json.number("events", counts.events).number("entries", counts.entries);
}

template <class Counts>
std::string counts_text(const Counts& counts) {
  return fmt::format("{} streams, {} series, {} blocks of {} events, {} map entries", grouped(counts.streams),
                     grouped(counts.series), grouped(counts.blocks), grouped(counts.events),
                     grouped(counts.entries));
}

Result<CheckReport> import_from(const DumpRequest& request) {
  if (request.other == "-") return import_store(std::cin, "the input", request.store);
  std::ifstream in(request.other, std::ios::binary);
  if (!in) return Error{ErrorCode::kNotFound, request.other + " cannot be read"};
  return import_store(in, request.other, request.store);
}

}  // namespace

Result<int> dump_export(const DumpRequest& request, std::ostream& out) {
  if (request.other.empty()) {
    const auto counts = export_store(request.store, out);
    return counts ? Result<int>(kDumpFine) : Result<int>(counts.error());
  }
  const auto counts = export_to_file(request.store, request.other);
  if (!counts) return counts.error();
  const auto facts = sqlite::file_facts(request.other);
  if (!facts) return facts.error();
  if (request.json) {
    DumpJson json(out);
    json.open('{').text("store", request.store).text("export", request.other).number("bytes", facts->size);
    write_counts(json, *counts);
    json.close('}');
    out << '\n';
  } else {
    out << request.other << ": " << grouped(facts->size) << " bytes; " << counts_text(*counts) << '\n';
  }
  return kDumpFine;
}

Result<int> dump_import(const DumpRequest& request, std::ostream& out) {
  const auto report = import_from(request);
  if (!report) return report.error();
  if (request.json) {
    DumpJson json(out);
    json.open('{').text("store", request.store);
    write_counts(json, *report);
    json.close('}');
    out << '\n';
  } else {
    out << request.store << ": " << counts_text(*report) << ", sound\n";
  }
  return kDumpFine;
}

}  // namespace deltamesh
