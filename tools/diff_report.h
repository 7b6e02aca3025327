// tools/diff_report.h - a comparison of two stores in words, and as JSON.
#pragma once

#include <iosfwd>
#include <string>

#include "engine/store_diff.h"
#include "tools/dump.h"

namespace deltamesh {

// The last line is the verdict.
void print_diff(std::ostream& out, const DumpRequest& request, const StoreDiff& diff);
void write_diff(std::ostream& out, const DumpRequest& request, const StoreDiff& diff);

// "equal: 60 dots, 100 samples, 2 keys", or "different: " and what of.
std::string verdict(const StoreDiff& diff);
const char* to_string(DotState state);
const char* to_string(Disagreement::Kind kind);

}  // namespace deltamesh
