// benchmarks/growth/stored_node.cc - hands batches to the store and its answers to the node.
#include "benchmarks/growth/stored_node.h"

#include <stdexcept>
#include <utility>

#include "benchmarks/growth/growth_config.h"

namespace deltamesh::bench {
namespace {

// Larger: memory. Smaller: the node waits for the disk.
constexpr std::size_t kCommitsMax = 8;

template <class T>
T value_of(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().text);
  return *std::move(result);
}

}  // namespace

StoredNode::StoredNode(const std::filesystem::path& store, NodeConfig config) {
  SqliteOptions options;
  options.path = store;
  options.memory_folder = "";
  store_ = value_of(SqliteStore::open(std::move(options)));
  reader_ = value_of(store_->make_reader());
  node_ = std::make_unique<Node>(std::move(config), value_of(reader_->image()), *reader_);
  carry_out();
}

// Readers go first: the last connection to close takes the log's files away.
StoredNode::~StoredNode() {
  node_.reset();
  reader_.reset();
  store_->close();
}

void StoredNode::write(std::span<const NamedEvent> events) {
  while (true) {
    const auto written = node_->write(growth_dataset(), events, now_);
    carry_out();
    hear(false);
    if (written.ok()) return;
    if (written.error().code != ErrorCode::kFull || in_flight_ == 0)
      throw std::runtime_error(written.error().text);
    hear(true);
  }
}

void StoredNode::opened(PeerId peer) {
  node_->opened(peer, now_);
  carry_out();
}

void StoredNode::received(PeerId peer, ByteView frame) {
  node_->received(peer, frame, now_);
  carry_out();
}

void StoredNode::advance(std::chrono::microseconds time) {
  now_.steady += time;
  now_.wall += time;
  now_.up += time;
  if (wakes_at_ && *wakes_at_ <= now_.steady) {
    node_->tick(now_);
    carry_out();
  }
  hear(false);
  while (in_flight_ > kCommitsMax) hear(true);
}

void StoredNode::finish() {
  node_->flush(now_);
  carry_out();
  while (in_flight_ > 0) hear(true);
}

void StoredNode::carry_out() {
  Effects effects = node_->take_effects();
  wakes_at_ = effects.wake_at;
  for (Send& send : effects.send) sent_.push_back(std::move(send));
  if (!effects.close.empty()) throw std::runtime_error("a session ended: " + effects.close[0].reason);
  for (Batch& batch : effects.persist) {
    ++in_flight_;
    store_->commit(std::move(batch), [inbox = inbox_](BatchId id, Status status) {
      const std::lock_guard lock(inbox->mutex);
      inbox->answers.push_back({id, std::move(status)});
      inbox->arrived.notify_one();
    });
  }
}

void StoredNode::hear(bool patiently) {
  std::unique_lock lock(inbox_->mutex);
  if (patiently) inbox_->arrived.wait(lock, [this] { return !inbox_->answers.empty(); });
  const auto answers = std::exchange(inbox_->answers, {});
  lock.unlock();
  for (const auto& [batch, status] : answers) {
    --in_flight_;
    if (!status.ok()) throw std::runtime_error(status.error().text);
    node_->durable(batch, now_);
    carry_out();
  }
}

}  // namespace deltamesh::bench
