// tools/dump_parts.h - parts of crdt-dump's output that stand in more than one answer.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <vector>

#include "crdt/knowledge.h"
#include "tools/dump_format.h"
#include "tools/dump_json.h"
#include "tools/store_summary.h"

namespace deltamesh {

void write_intervals(DumpJson& json, std::string_view name, const IntervalSet& set);
void write_knowledge(DumpJson& json, const StreamKnowledge& known);  // Fields; every interval.
void write_catalogue(DumpJson& json, const std::vector<CatalogueLine>& catalogue, const DatasetNames& names);
void print_catalogue(std::ostream& out, const std::vector<CatalogueLine>& catalogue,
                     const DatasetNames& names, std::size_t show_max);
// The series that streams declare differently; nothing if there are none.
void print_conflicts(std::ostream& out, const std::vector<CatalogueLine>& catalogue,
                     const DatasetNames& names);

}  // namespace deltamesh
