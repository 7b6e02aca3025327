// tests/tidy/rules.h - the rules of the tree, each a function from (path, text) to complaints.
//
// A path is relative to the root and uses '/'. Rules about C++ are asked about .h and .cc files only. Each
// complaint names path, line where there is one, and what to do instead. That the rules are pure makes it
// possible to see each of them fail (tests/tidy_test.cc).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace deltamesh::tidy {

using Complaints = std::vector<std::string>;

// Own includes go down the layers only, and the lower layers see few libraries.
Complaints check_layers(std::string_view path, std::string_view text);

// A library that is costly to compile or to replace is seen by the files listed in rules.cc only.
Complaints check_library_homes(std::string_view path, std::string_view text);

// crdt and engine open nothing, start nothing, read no clock and draw no randomness.
Complaints check_sans_io(std::string_view path, std::string_view text);

// g++-12 miscompiles coroutines; docs/dependencies.md says how.
Complaints check_coroutines(std::string_view path, std::string_view text);

// A file opens with its path and one sentence; a header guards itself.
Complaints check_opening(std::string_view path, std::string_view text);

// `cmake` is the text of the nearest CMakeLists.txt, which stands in `folder`: it must list the file. A
// source that is not listed is never compiled, and a test that is not compiled passes.
Complaints check_listed(std::string_view path, std::string_view folder, std::string_view cmake);

// Relative links of a Markdown file lead somewhere. `exists` is asked with paths relative to the root.
Complaints check_links(std::string_view path, std::string_view text,
                       const std::function<bool(const std::string&)>& exists);

// Nothing names a developer's machine or the hosts that packages come from: both differ for the next reader.
Complaints check_machine_words(std::string_view path, std::string_view text);

// No source says of itself that it is unfinished.
Complaints check_unfinished(std::string_view path, std::string_view text);

}  // namespace deltamesh::tidy
