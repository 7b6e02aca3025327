// ingest/batcher.h - gathers events into writes, and holds sources back when the node falls behind.
//
// What comes in while the node takes one write makes up the next one. So a quiet node gets each event at
// once, a busy one gets large writes, no timer is needed, and no write waits for the disk to finish another.
// A dataset's events are written in the order in which they were pushed (ingest/event_queue.h). Where the
// node says "full" or its disk fails, the same events are tried again after a short wait; where it refuses
// for good, the write is halved until the event at fault stands alone, is counted by reason and left out.
// Nothing else is ever dropped before stop().
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>

#include "crdt/sample.h"
#include "engine/sink.h"
#include "ingest/counters.h"
#include "ingest/limits.h"

namespace deltamesh {

struct BatchSettings {
  std::size_t events_max = limits::kBatchEventsMax;
  std::size_t unacknowledged_max = limits::kUnacknowledgedEventsMax;
  std::size_t unacknowledged_bytes_max = limits::kUnacknowledgedBytesMax;
  std::chrono::milliseconds retry_wait = limits::kRetryWait;
};

class Batcher {
 public:
  // `sink` and `counters` outlive this. Starts one thread.
  Batcher(WriteSink& sink, IngestCounters& counters, BatchSettings settings = {});
  ~Batcher();  // As stop() without patience.
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  // Takes the event; waits first while as much as allowed is not durable. After stop() it is counted as
  // refused. Any thread.
  void push(DatasetId dataset, NamedEvent event);
  // The same, asks for the commit at once, and returns only when the event is durable or refused for good.
  // Nothing else ends this wait, not even stop(), so whoever may be in it ends first.
  void push_durable(DatasetId dataset, NamedEvent event);

  // From now on push() does not wait any more, so that sources can be shut down without losing a message, and
  // no write waits for company before its commit.
  void release();

  // Takes nothing more and waits until all is durable, at most for `patience`. Returns how many events were
  // given up; they are counted as refused (closed).
  std::size_t stop(std::chrono::milliseconds patience);

  [[nodiscard]] std::size_t unacknowledged() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;  // Shared with writes under way, which may end after this.
  std::thread worker_;
};

}  // namespace deltamesh
