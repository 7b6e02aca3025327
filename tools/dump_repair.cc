// tools/dump_repair.cc - crdt-dump repair STORE: a new store from what can be read, and what peers must
// bring.
#include <fmt/format.h>

#include <ostream>

#include "engine/sqlite/repair.h"
#include "tools/dump.h"
#include "tools/dump_parts.h"
#include "tools/text_table.h"

namespace deltamesh {
namespace {

using Outcome = RepairReport::Outcome;

constexpr const char* kOutcomes[] = {"sound", "repaired", "finished"};

std::string all_intervals(const IntervalSet& dots) {
  return interval_text(dots, dots.intervals().size());
}

void write_streams(DumpJson& json, const RepairReport& report, const DatasetNames& names) {
  json.key("streams").open('[');
  for (const auto& one : report.streams) {
    json.open('{');
    write_stream(json, one.stream, names);
    json.text("kind", one.is_map ? "map" : "telemetry").boolean("known", one.known);
    write_intervals(json, "there", one.there);
    write_intervals(json, "asked", one.asked);
    json.close('}');
  }
  json.close(']');
}

void write_lost(DumpJson& json, const RepairReport& report, const DatasetNames& names) {
  json.key("unnamed").open('[');
  for (const auto& [key, name] : report.unnamed) {
    json.open('{');
    write_stream(json, key.stream, names);
    json.number("number", std::uint64_t{key.number}).text("name", name).close('}');
  }
  json.close(']').boolean("maps_whole", report.maps_whole).key("keys").open('[');
  for (const auto& [dataset, key] : report.keys) {
    json.open('{');
    write_dataset(json, dataset, names);
    json.text("key", key).close('}');
  }
  json.close(']').number("nameless", report.nameless).key("notes").open('[');
  for (const std::string& note : report.notes) json.text(note);
  json.close(']');
}

void write_report(std::ostream& out, const DumpRequest& request, const RepairReport& report) {
  const DatasetNames names(request.names);
  DumpJson json(out);
  json.open('{').text("store", request.store);
  json.text("outcome", kOutcomes[static_cast<std::size_t>(report.outcome)]);
  json.boolean("lost", report.lost_something());
  if (report.outcome != Outcome::kSound) json.text("kept", report.kept);
  if (report.outcome == Outcome::kRepaired) {
    json.text("node", hex(report.identity.node.bytes));
    json.text("incarnation", hex(report.identity.incarnation.bytes));
    write_streams(json, report, names);
    write_lost(json, report, names);
    json.number("series", report.series).number("blocks", report.blocks);
    json.number("events", report.events).number("entries", report.entries);
  }
  json.close('}');
  out << '\n';
}

void print_streams(std::ostream& out, const RepairReport& report, const DatasetNames& names) {
  for (const auto& one : report.streams) {
    const bool damaged = !one.known || !one.asked.empty();
    if (!damaged) continue;
    out << stream_text(one.stream, names) << ": ";
    if (!one.known) out << "what was known of it is lost; ";
    out << (one.is_map ? "entries of dots " : "there are ") << all_intervals(one.there);
    if (!one.asked.empty())
      out << (one.is_map ? "; asked for again: " : "; lost: ") << all_intervals(one.asked);
    out << '\n';
  }
}

void print_lost(std::ostream& out, const RepairReport& report, const DatasetNames& names) {
  for (const auto& [key, name] : report.unnamed)
    out << stream_text(key.stream, names) << ": the declaration of series " << key.number << " is lost"
        << (name.empty() ? "" : ", whose name was " + printable(name)) << '\n';
  if (!report.maps_whole) out << "entries of maps are lost, or may be\n";
  for (const auto& [dataset, key] : report.keys)
    out << names(dataset) << ": the entry of " << printable(key) << " is lost\n";
  if (report.nameless > 0)
    out << grouped(report.nameless) << " rows of streams whose names are lost are lost with them\n";
  for (const std::string& note : report.notes) out << "lost: " << note << '\n';
}

void print_report(std::ostream& out, const DumpRequest& request, const RepairReport& report) {
  if (report.outcome == Outcome::kSound) {
    out << request.store << " is sound; nothing was done\n";
    return;
  }
  if (report.outcome == Outcome::kFinished) {
    out << "an interrupted repair is finished; the damaged store is " << report.kept << '\n';
    return;
  }
  const DatasetNames names(request.names);
  print_streams(out, report, names);
  print_lost(out, report, names);
  out << fmt::format(
      "{}: {} streams, {} series, {} blocks of {} events, {} map entries; the damaged store is {}\n",
      report.lost_something() ? "REPAIRED, and peers must send what is lost" : "repaired, nothing is lost",
      grouped(report.streams.size()), grouped(report.series), grouped(report.blocks), grouped(report.events),
      grouped(report.entries), report.kept);
}

}  // namespace

Result<int> dump_repair(const DumpRequest& request, std::ostream& out) {
  const auto report = repair_store(request.store);
  if (!report) return report.error();
  request.json ? write_report(out, request, *report) : print_report(out, request, *report);
  return report->lost_something() ? kDumpDifferent : kDumpFine;
}

}  // namespace deltamesh
