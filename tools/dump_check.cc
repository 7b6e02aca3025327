// tools/dump_check.cc - crdt-dump check STORE: whether a store is damaged, and where.
#include <fmt/format.h>

#include <ostream>

#include "engine/sqlite/check.h"
#include "tools/dump.h"
#include "tools/text_table.h"

namespace deltamesh {
namespace {

void write_report(std::ostream& out, const DumpRequest& request, const CheckReport& report) {
  DumpJson json(out);
  json.open('{').text("store", request.store).boolean("sound", report.found == 0);
  json.number("found", report.found).key("findings").open('[');
  for (const std::string& finding : report.findings) json.text(finding);
  json.close(']');
  json.number("streams", report.streams).number("series", report.series).number("blocks", report.blocks);
  json.number("events", report.events).number("entries", report.entries).close('}');
  out << '\n';
}

void print_report(std::ostream& out, const CheckReport& report) {
  for (const std::string& finding : report.findings) out << finding << '\n';
  if (report.found > report.findings.size())
    out << "and " << grouped(report.found - report.findings.size()) << " more\n";
  out << fmt::format("{}: {} streams, {} series, {} blocks of {} events, {} map entries read\n",
                     report.found == 0 ? "sound" : "DAMAGED", grouped(report.streams), grouped(report.series),
                     grouped(report.blocks), grouped(report.events), grouped(report.entries));
}

}  // namespace

Result<int> dump_check(const DumpRequest& request, std::ostream& out) {
  const auto report = check_contents(request.store);
  if (!report) return report.error();
  request.json ? write_report(out, request, *report) : print_report(out, *report);
  return report->found == 0 ? kDumpFine : kDumpDifferent;
}

}  // namespace deltamesh
