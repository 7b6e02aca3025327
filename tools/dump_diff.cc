// tools/dump_diff.cc - crdt-dump diff: runs the comparison.
#include <ostream>

#include "tools/diff_report.h"
#include "tools/dump.h"

namespace deltamesh {

Result<int> dump_diff(const DumpRequest& request, std::ostream& out) {
  if (is_live(request.store)) return dump_live_diff(request, out);
  if (request.other.empty() || !request.peer.empty())
    return Error{ErrorCode::kInvalid, "a store is compared with another store; --with is for running nodes"};
  const auto a = open_for_dump(request.store);
  if (!a) return a.error();
  const auto b = open_for_dump(request.other);
  if (!b) return b.error();
  DiffOptions options;
  options.findings_max = request.limit;
  options.name_a = "A (" + request.store + ")";
  options.name_b = "B (" + request.other + ")";
  const auto diff = diff_stores(**a, **b, options);
  if (!diff) return diff.error();
  request.json ? write_diff(out, request, *diff) : print_diff(out, request, *diff);
  return diff->equal() ? kDumpFine : kDumpDifferent;
}

}  // namespace deltamesh
