// tests/support/stand_in.h - an empty real file that stands for one of a simulated disk.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace deltamesh::testing {

class StandIn {
 public:
  explicit StandIn(const std::string& path);  // Makes it; throws if it cannot.
  ~StandIn();
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;

  void resize(std::uint64_t bytes) const;
  // Is it what lies at `path`?
  [[nodiscard]] bool lies_at(const std::string& path) const;
  // Has it a name at all?
  [[nodiscard]] bool named() const;

 private:
  int descriptor_;  // Open as long as this lives, so that its number is given to no other file.
  dev_t device_ = 0;
  ino_t number_ = 0;
};

}  // namespace deltamesh::testing
