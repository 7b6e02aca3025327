// tools/sources.cc - the gate to the node, and the order in which sources end.
#include "tools/sources.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>

namespace deltamesh {
namespace {

using std::chrono::milliseconds;

// Each waits at most for this. Longer: an operator thinks that the stop hangs. Shorter: a slow disk loses
// what a broker believes delivered; a strict source ends the process instead.
constexpr milliseconds kSourcesPatience{3'000};
constexpr milliseconds kStrictPatience{8'000};

// A node that closes is followed by another one.
Status try_again(Status status) {
  if (status || status.error().code != ErrorCode::kClosed) return status;
  return Error{ErrorCode::kIo, status.error().text};
}

Error no_node() {
  return {ErrorCode::kIo, "the store is being opened"};
}

}  // namespace

void Sources::Gate::open(WriteSink* node) {
  const std::lock_guard lock(mutex_);
  node_ = node;
}

void Sources::Gate::write(DatasetId dataset, std::vector<NamedEvent> events, TakenHandler taken,
                          DoneHandler done) {
  std::unique_lock lock(mutex_);
  if (node_ != nullptr) {
    return node_->write(dataset, std::move(events), std::move(taken),
                        [done = std::move(done)](Status status) { done(try_again(std::move(status))); });
  }
  lock.unlock();
  done(no_node());
}

// Sources write events alone.
void Sources::Gate::put(DatasetId, std::string, std::string, DoneHandler done) {
  done(no_node());
}
void Sources::Gate::remove(DatasetId, std::string, DoneHandler done) {
  done(no_node());
}

void Sources::Gate::repair(DatasetId, std::string, DoneHandler done) {
  done(no_node());
}

void Sources::Gate::flush() {
  const std::lock_guard lock(mutex_);
  if (node_ != nullptr) node_->flush();
}

Sources::Sources(Log& log)
    : log_(log), counters_([&log](const std::string& text) { log.warning("ingest", text); }) {}

Sources::~Sources() {
  stop();
}

Status Sources::attach(WriteSink& node, const std::vector<BrokerSettings>& brokers) {
  gate_.open(&node);
  return batcher_ || brokers.empty() ? Status(Done{}) : connect(brokers);
}

void Sources::detach() {
  gate_.open(nullptr);
}

Status Sources::connect(const std::vector<BrokerSettings>& brokers) {
  batcher_ = std::make_unique<Batcher>(gate_, counters_);
  for (const BrokerSettings& broker : brokers) {
    auto source = MqttSource::start(
        broker.mqtt, broker.rules, *batcher_, counters_,
        [this](Note::Level level, const std::string& text) { log_.write(level_of(level), "mqtt", text); });
    if (!source) return source.error();
    mqtt_.push_back(*std::move(source));
    log_.info("mqtt", "reading from " + broker.mqtt.uri);
  }
  return Done{};
}

// What a broker of a strict source was not told is durable must not be told later either, and that cannot be
// prevented from within this process (ingest/mqtt_source.h). The broker will send it again.
void Sources::stop() {
  for (const auto& source : mqtt_) source->begin_stop();
  const auto deadline = std::chrono::steady_clock::now() + kStrictPatience;
  for (const auto& source : mqtt_) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (source->stop(std::max(left, milliseconds(0)))) continue;
    log_.error("mqtt", "a message of " + source->status().uri +
                           " cannot be made durable: ending at once, without acknowledging it");
    std::_Exit(1);
  }
  mqtt_.clear();
  const std::size_t given_up = batcher_ ? batcher_->stop(kSourcesPatience) : 0;
  if (given_up > 0)
    log_.warning("ingest",
                 std::to_string(given_up) + " events were given up: they could not be made durable");
  batcher_.reset();
}

}  // namespace deltamesh
