// benchmarks/recording.cc - unpacks recordings and runs the programs around a measurement.
#include "benchmarks/recording.h"

#include <algorithm>
#include <stdexcept>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace deltamesh::bench {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string run_or_throw(std::vector<std::string> command) {
  const testing::TempDir dir;
  const auto output = dir.path() / "output";
  const std::string name = command.front();
  testing::ChildProcess child(std::move(command), output);
  const auto status = child.wait(std::chrono::hours(1));
  std::string text = testing::read_text(output);
  if (status != 0) throw std::runtime_error(name + " failed: " + text);
  return text;
}

std::vector<std::string> unpack(const std::filesystem::path& archive, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  if (archive.string().ends_with(".tar.zst")) {
    run_or_throw({"tar", "--zstd", "-xf", archive.string(), "-C", folder.string()});
  } else {
    run_or_throw({"zstd", "-q", "-d", archive.string(), "-o", (folder / archive.stem()).string()});
  }
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> csv_files(const std::filesystem::path& archive,
                                   const std::filesystem::path& folder) {
  std::vector<std::string> files = unpack(archive, folder);
  std::erase_if(files, [](const std::string& file) { return !file.ends_with(".csv"); });
  return files;
}

}  // namespace deltamesh::bench
