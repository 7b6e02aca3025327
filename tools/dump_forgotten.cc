// tools/dump_forgotten.cc - crdt-dump forgotten: the rules for wrong data, who wrote them, and why.
#include <fmt/format.h>

#include <ostream>

#include "engine/stored_rules.h"
#include "tools/dump.h"
#include "tools/text_table.h"

namespace deltamesh {
namespace {

struct Found {
  std::vector<StoredRule> rules;
  bool all_obey = false;  // All blocks of the store, so that nothing of what is named is in it.
};

Result<Found> find_rules(const StoreReader& reader, const std::string& dataset) {
  const auto image = reader.image();
  if (!image) return image.error();
  const auto all = read_rules(reader);
  if (!all) return all.error();
  auto rules = list_rules(reader);
  if (!rules) return rules.error();
  const auto is_other = [id = DatasetNames::parse(dataset)](const StoredRule& one) {
    return dataset_id(one.rule.dataset) != id;
  };
  if (!dataset.empty()) std::erase_if(*rules, is_other);
  return Found{*std::move(rules), image->obeyed == all->digest()};
}

void write_time(DumpJson& json, const char* name, Ticks time, Ticks open) {
  if (time != open) json.key(name).integer(time);
}

void write(std::ostream& out, const Found& found) {
  DumpJson json(out);
  json.open('{').key("rules").open('[');
  for (const auto& [rule, note] : found.rules) {
    json.open('{').text("dataset", rule.dataset).text("series", rule.series);
    write_time(json, "from", rule.from, kTimeOpenFrom);
    write_time(json, "to", rule.to, kTimeOpenTo);
    json.text("node", hex(note.author.bytes)).text("reason", note.reason);
    if (note.written.count() > 0) json.key("written").integer(note.written.count());
    json.close('}');
  }
  json.close(']').boolean("removed", found.all_obey).close('}');
  out << '\n';
}

void print(std::ostream& out, const Found& found, Resolution resolution) {
  const auto text = [resolution](Ticks time, Ticks open) {
    return time == open ? std::string("*") : time_text(time, resolution);
  };
  TextTable table({"dataset", "series", "from", "to", "written", "by", "reason"});
  for (const auto& [rule, note] : found.rules) {
    const std::string written =
        note.written.count() > 0 ? time_text(note.written.count(), Resolution::kMilliseconds) : "-";
    table.add({rule.dataset, rule.series, text(rule.from, kTimeOpenFrom), text(rule.to, kTimeOpenTo), written,
               hex(note.author.bytes).substr(0, 8), note.reason});
  }
  if (!table.empty()) table.print(out);
  out << fmt::format("{} rules; {}\n", found.rules.size(),
                     found.all_obey ? "nothing of what they name is left in the store"
                                    : "what they name is hidden, and is still to be removed from the store");
}

}  // namespace

Result<int> dump_forgotten(const DumpRequest& request, std::ostream& out) {
  const auto reader = open_for_dump(request.store);
  if (!reader) return reader.error();
  const auto found = find_rules(**reader, request.dataset);
  if (!found) return found.error();
  request.json ? write(out, *found) : print(out, *found, request.resolution);
  return kDumpFine;
}

}  // namespace deltamesh
