// engine/sink.h - where writes from outside the engine's thread go in.
//
// The driver (transport/driver.h) implements it; ingest and api hold it. This keeps the siblings apart.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "crdt/result.h"
#include "crdt/sample.h"

namespace deltamesh {

// Every call may come from any thread and returns at once. `done` is called exactly once, on the driver's
// thread: with success when the write is durable here, else with the reason. kFull means: try again later.
class WriteSink {
 public:
  using DoneHandler = std::function<void(Status)>;
  virtual ~WriteSink() = default;
  virtual void write(DatasetId dataset, std::vector<NamedEvent> events, DoneHandler done) = 0;
  virtual void put(DatasetId dataset, std::string key, std::string value, DoneHandler done) = 0;
  virtual void remove(DatasetId dataset, std::string key, DoneHandler done) = 0;
};

}  // namespace deltamesh
