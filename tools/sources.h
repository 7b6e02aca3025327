// tools/sources.h - what brings readings in; it goes on doing so while the node under it is opened anew.
//
// What a broker was told is delivered is in memory here until it is durable, so it must outlive a store that
// fails: while no node is attached, writes are answered as by a failing disk, and tried again.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "engine/sink.h"
#include "ingest/batcher.h"
#include "ingest/mqtt_source.h"
#include "tools/log.h"
#include "tools/settings.h"

namespace deltamesh {

class Sources {
 public:
  explicit Sources(Log& log);
  ~Sources();  // As stop().
  Sources(const Sources&) = delete;
  Sources& operator=(const Sources&) = delete;

  // Readings go to `node` from now on, until detach(). The first time, the brokers are connected.
  Status attach(WriteSink& node, const std::vector<BrokerSettings>& brokers);
  void detach();

  // Takes nothing more and waits, not for ever, until all is durable. Ends the process where a broker would
  // otherwise be told of something that is not.
  void stop();

  [[nodiscard]] const IngestCounters& counters() const { return counters_; }
  [[nodiscard]] const std::vector<std::unique_ptr<MqttSource>>& mqtt() const { return mqtt_; }

 private:
  // The node, while there is one.
  class Gate final : public WriteSink {
   public:
    void open(WriteSink* node);
    void write(DatasetId dataset, std::vector<NamedEvent> events, TakenHandler taken,
               DoneHandler done) override;
    void put(DatasetId dataset, std::string key, std::string value, DoneHandler done) override;
    void remove(DatasetId dataset, std::string key, DoneHandler done) override;
    void repair(DatasetId dataset, std::string key, DoneHandler done) override;
    void flush() override;

   private:
    std::mutex mutex_;  // Held while the node is called, so that open() ends its use.
    WriteSink* node_ = nullptr;
  };

  Status connect(const std::vector<BrokerSettings>& brokers);

  Log& log_;
  Gate gate_;
  IngestCounters counters_;
  std::unique_ptr<Batcher> batcher_;
  std::vector<std::unique_ptr<MqttSource>> mqtt_;
};

}  // namespace deltamesh
