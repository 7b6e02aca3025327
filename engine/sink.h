// engine/sink.h - where writes from outside the engine's thread go in.
//
// The driver (transport/driver.h) implements it; ingest and api hold it. This keeps the siblings apart.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "crdt/result.h"
#include "crdt/sample.h"

namespace deltamesh {

// Every call may come from any thread and returns at once; calls of one thread take effect in their order.
// `done` is called exactly once, on the driver's thread: with success when the write is durable here, else
// with the reason. kFull means: try again later.
class WriteSink {
 public:
  using DoneHandler = std::function<void(Status)>;
  using TakenHandler = std::function<void()>;
  virtual ~WriteSink() = default;

  // `taken` is called on the driver's thread, before `done`, once the events have their numbers: what is
  // written from then on comes after them. Not called for a write that is refused.
  virtual void write(DatasetId dataset, std::vector<NamedEvent> events, TakenHandler taken,
                     DoneHandler done) = 0;
  void write(DatasetId dataset, std::vector<NamedEvent> events, DoneHandler done) {
    write(
        dataset, std::move(events), [] {}, std::move(done));
  }
  virtual void put(DatasetId dataset, std::string key, std::string value, DoneHandler done) = 0;
  virtual void remove(DatasetId dataset, std::string key, DoneHandler done) = 0;
  virtual void repair(DatasetId dataset, std::string key, DoneHandler done) = 0;

  // Commits all that was taken so far without waiting for the commit interval.
  virtual void flush() = 0;
};

}  // namespace deltamesh
