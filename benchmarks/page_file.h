// benchmarks/page_file.h - the figures of a benchmark as a file, and drawn as a page.
#pragma once

#include <string>

#include "benchmarks/report.h"

namespace deltamesh::bench {

// Writes the figures to `json_file` and the page that `script` of this folder draws of them to `html_file`;
// an empty name is no file. False, with a message on standard error, if the figures cannot be written; throws
// if the page cannot be drawn.
bool write_files(const Report& report, const std::string& json_file, const std::string& script,
                 const std::string& html_file);

}  // namespace deltamesh::bench
