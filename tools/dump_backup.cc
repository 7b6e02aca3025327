// tools/dump_backup.cc - crdt-dump backup STORE FILE: a copy to put away.
#include <ostream>

#include "engine/sqlite/backup.h"
#include "engine/sqlite/files.h"
#include "tools/dump.h"
#include "tools/text_table.h"

namespace deltamesh {

Result<int> dump_backup(const DumpRequest& request, std::ostream& out) {
  if (Status made = back_up(request.store, request.other); !made) return made.error();
  const auto facts = sqlite::file_facts(request.other);
  if (!facts) return facts.error();
  if (request.json) {
    DumpJson json(out);
    json.open('{').text("store", request.store).text("backup", request.other);
    json.number("bytes", facts->size).close('}');
    out << '\n';
  } else {
    out << request.other << ": " << grouped(facts->size) << " bytes, sound\n";
  }
  return kDumpFine;
}

}  // namespace deltamesh
