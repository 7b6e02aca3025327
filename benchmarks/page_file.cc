// benchmarks/page_file.cc - runs python3.
#include "benchmarks/page_file.h"

#include "benchmarks/recording.h"
#include "tests/support/temp_dir.h"

namespace deltamesh::bench {

bool write_files(const Report& report, const std::string& json_file, const std::string& script,
                 const std::string& html_file) {
  if (html_file.empty()) return report.write_json(json_file);
  const testing::TempDir dir;
  const std::string figures = json_file.empty() ? (dir.path() / "figures.json").string() : json_file;
  if (!report.write_json(figures)) return false;
  run_or_throw({"python3", "-B", DELTAMESH_SOURCE_DIR "/benchmarks/" + script, figures, html_file});
  return true;
}

}  // namespace deltamesh::bench
