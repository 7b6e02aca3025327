// tests/sim/sim_node.cc - effects into events, with delays in between.
#include "tests/sim/sim_node.h"

namespace deltamesh::sim {
namespace {

constexpr Micros kReportMax{3'000};
constexpr Micros kTimeSetMax{4'000'000};  // From its start until somebody sets the clock of a node.
constexpr Micros kStopMax{20'000};        // Until a node whose store has failed is stopped.

}  // namespace

Identity identity_of(NodeIx ix) {
  Identity identity;
  identity.node.bytes.fill(static_cast<std::uint8_t>(ix + 1));
  identity.node.bytes[1] ^= static_cast<std::uint8_t>((ix + 1) >> 8);
  identity.incarnation.bytes.fill(0xa0);
  identity.incarnation.bytes[0] = identity.node.bytes[0];
  identity.incarnation.bytes[1] = identity.node.bytes[1];
  return identity;
}

NodeIx node_of(const NodeId& id) {
  return (NodeIx{static_cast<std::uint8_t>(id.bytes[0] ^ id.bytes[1])} << 8 | id.bytes[0]) - 1;
}

SimNode::SimNode(World& world, Observer& observer, const Options& options, NodeIx ix, NodeConfig config,
                 std::unique_ptr<SimStore> store)
    : world_(world),
      observer_(observer),
      options_(options),
      ix_(ix),
      config_(std::move(config)),
      store_(std::move(store)),
      failures_per_mille_(options.failures_per_mille) {
  config_.boot.bytes[2] = static_cast<std::uint8_t>(ix);
  config_.boot.bytes[3] = static_cast<std::uint8_t>(ix >> 8);
  store_->at_end([this] { store_ended(); });
}

SimNode::SimNode(World& world, Observer& observer, const Options& options, NodeIx ix, NodeConfig config,
                 std::unique_ptr<MemoryStore> store)
    : SimNode(world, observer, options, ix, std::move(config),
              std::make_unique<SimMemoryStore>(std::move(store))) {}

Instant SimNode::now() const {
  const Micros now = world_.queue.now();
  return {now, clock_.at(now), clock_.is_trusted(), now - booted_};
}

void SimNode::heal() {
  failures_per_mille_ = 0;
  store_->heal();
  if (!std::exchange(loses_time_, false)) return;
  set_clock();
  if (up()) flush();  // It looks at its clock.
}

void SimNode::set_clock() {
  clock_.set(world_.queue.now(), kToday + world_.queue.now());
  world_.note(mixed(ix_));
}

void SimNode::jump_clock(Micros by) {
  world_.note(mixed(ix_) + static_cast<std::uint64_t>(by.count()));
  clock_.jump(by);
}

void SimNode::drift_clock(std::int64_t per_mille) {
  world_.note(mixed(ix_) ^ static_cast<std::uint64_t>(per_mille));
  clock_.drift(world_.queue.now(), per_mille);
}

void SimNode::lose_time() {
  loses_time_ = true;
  if (up()) boot_clock();
}

void SimNode::boot_clock() {
  if (!loses_time_) return;
  clock_.set(world_.queue.now(), Micros(0));
  world_.note(~mixed(ix_));
  later(world_.queue.now() + world_.rng.between(Micros(0), kTimeSetMax), [this] { set_clock(); });
}

void SimNode::start() {
  auto image =
      store_->open([this](const Identity& writer, const Batch& batch) { observer_.durable(writer, batch); });
  if (store_->state() != SimStore::State::kWell) return ended_();
  if (!image.ok()) return world_.fail("a store does not open: " + image.error().text);
  count_boot();
  node_ = std::make_unique<Node>(config_, *std::move(image), store_->reader());
  world_.note(mixed(life_) + ix_);
  boot_clock();
  carry_out();
}

// An incarnation goes on within a boot of the machine alone.
void SimNode::count_boot() {
  const Incarnation now = store_->identity().incarnation;
  if (std::exchange(incarnation_, now) == now) return;
  booted_ = world_.queue.now();
  ++config_.boot.bytes[0];
  config_.boot.bytes[1] = config_.boot.bytes[0] == 0 ? config_.boot.bytes[1] + 1 : config_.boot.bytes[1];
}

// Who has no power does nothing more; who has a store that failed hears so, and is stopped then.
void SimNode::store_ended() {
  if (store_->state() == SimStore::State::kDead) return ended_();
  if (std::exchange(ends_, true)) return;
  later(world_.queue.now() + world_.rng.between(Micros(0), kStopMax), [this] { ended_(); });
}

void SimNode::crash() {
  world_.note(~mixed(life_) + ix_);
  node_.reset();
  store_->crash();
  ++life_;
  ends_ = false;
  sync_due_ = false;
  wakes_.clear();
}

void SimNode::opened(PeerId peer) {
  node_->opened(peer, now());
  carry_out();
}

void SimNode::received(PeerId peer, ByteView frame) {
  if (dialect_) {
    const Bytes understood = dialect_->heard(frame);
    node_->received(peer, understood, now());
  } else {
    node_->received(peer, frame, now());
  }
  carry_out();
}

void SimNode::closed(PeerId peer) {
  node_->closed(peer, now());
  carry_out();
}

void SimNode::write(DatasetId dataset, const std::vector<NamedEvent>& events) {
  const auto write = node_->write(dataset, events, now());
  if (write.ok()) observer_.accepted({ix_, life_, *write}, events);
  carry_out();
}

void SimNode::put(DatasetId dataset, const std::string& key, const std::string& value) {
  const MapEntry* const before = node_->map(dataset)->find_entry(key);
  const auto seen = before == nullptr ? std::nullopt : std::optional(*before);
  const auto write = node_->put(dataset, key, value, now());
  if (write.ok()) observer_.accepted({ix_, life_, *write}, value, seen ? &*seen : nullptr);
  carry_out();
}

void SimNode::remove(DatasetId dataset, const std::string& key) {
  const auto write = node_->remove(dataset, key, now());
  if (write.ok()) observer_.accepted({ix_, life_, *write}, std::string(), nullptr);
  carry_out();
}

void SimNode::forget(const ForgetRule& rule, const std::string& reason) {
  const MapEntry* const before = node_->map(rules_map())->find_entry(rule_key(rule));
  const auto seen = before == nullptr ? std::nullopt : std::optional(*before);
  const auto write = node_->forget(rule, reason, now());
  if (write.ok()) observer_.accepted({ix_, life_, *write}, reason, seen ? &*seen : nullptr);
  carry_out();
}

void SimNode::flush() {
  node_->flush(now());
  carry_out();
}

void SimNode::carry_out() {
  Effects effects = node_->take_effects();
  for (auto& batch : effects.persist) persist(std::move(batch));
  for (auto& [peer, frame] : effects.send)
    wire_->send(peer, dialect_ ? dialect_->said(std::move(frame)) : std::move(frame));
  for (const auto& close : effects.close) wire_->close(close.peer);
  for (const auto& written : effects.written) answer(written);
  for (const auto& arrival : effects.publish) observer_.arrived(ix_, arrival);
  if (!effects.rolled_back.empty()) world_.fail("a store has lost what others hold: " + effects.rolled_back);
  if (effects.wake_at) wake_at(*effects.wake_at);
}

// What failed with its disk may be there once that is read again: its writer knows nothing.
void SimNode::answer(const Written& written) {
  world_.note(static_cast<std::uint64_t>(written.write));
  if (!written.status.ok() && store_->state() == SimStore::State::kFailed) return;
  observer_.reported({ix_, life_, written.write}, written.status);
}

void SimNode::persist(Batch batch) {
  if (!removes_) batch.rewritten.clear();
  const auto kept = std::make_shared<const Batch>(batch);
  const auto committed = [this, kept](BatchId id, const Status& status) {
    if (status.ok()) observer_.durable(store_->identity(), *kept);
    report(id, status);
  };
  if (lies_ > 0 && !batch.blocks.empty() && batch.blocks[0].stream.node == store_->identity().node) {
    --lies_;
    return committed(batch.id, Done{});
  }
  store_->commit(std::move(batch), committed);
  if (std::exchange(sync_due_, true)) return;
  later(world_.queue.now() + slowness_ * world_.rng.between(Micros(0), options_.commit_max),
        [this] { sync(); });
}

void SimNode::sync() {
  sync_due_ = false;
  if (world_.rng.chance(failures_per_mille_)) store_->fail_next({ErrorCode::kIo, "the disk said no"});
  store_->sync();
}

void SimNode::report(BatchId batch, const Status& status) {
  const Micros soon = world_.queue.now() + slowness_ * world_.rng.between(Micros(0), kReportMax);
  last_report_ = std::max(last_report_, soon);
  later(last_report_, [this, batch, status] {
    world_.note(mixed(ix_) + static_cast<std::uint64_t>(batch));
    if (status.ok()) {
      node_->durable(batch, now());
    } else {
      node_->failed(batch, status.error(), now());
    }
    carry_out();
  });
}

void SimNode::wake_at(Micros when) {
  if (!wakes_.empty() && *wakes_.begin() <= when) return;
  wakes_.insert(when);
  later(when, [this, when] {
    wakes_.erase(when);
    node_->tick(now());
    carry_out();
  });
}

Knowledge SimNode::known() const {
  Knowledge all = node_->knowledge();
  const auto stored = store().knowledge();
  if (!stored.ok() || node_->streams_aside() == 0) return all;
  Knowledge aside;
  for (const auto& [stream, known] : stored->entries()) {
    if (is_gone(known) && all.find(stream) == nullptr) aside.at(stream) = known;
  }
  all.join(aside);
  return all;
}

}  // namespace deltamesh::sim
