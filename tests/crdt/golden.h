// tests/crdt/golden.h - golden bytes: lines of "name: hex digits" in tests/formats, '#' begins a comment
// line.
#pragma once

#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <string>

#include "crdt/dot.h"

namespace deltamesh {

inline std::string to_hex(ByteView bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

inline Bytes from_hex(const std::string& text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoul(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

// The cases of tests/formats/`file`, by name.
inline std::map<std::string, std::string> golden_cases(const std::string& file) {
  std::ifstream in(std::string(DELTAMESH_SOURCE_DIR) + "/tests/formats/" + file);
  REQUIRE(in);
  std::map<std::string, std::string> cases;
  for (std::string line; std::getline(in, line);) {
    const auto colon = line.find(": ");
    if (line.empty() || line[0] == '#' || colon == std::string::npos) continue;
    cases[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return cases;
}

}  // namespace deltamesh
