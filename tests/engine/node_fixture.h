// tests/engine/node_fixture.h - real nodes on memory stores in one process, and a peer that says what a test
// wants.
//
// Nothing here has a clock: a test sets `now` and calls. Frames are carried in order when a test says so.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <stdexcept>
#include <vector>

#include "engine/codec.h"
#include "engine/memory_store.h"
#include "engine/node.h"

namespace deltamesh::test {

using std::chrono::microseconds;
using std::chrono::seconds;

inline const DatasetId kTelemetry = dataset_id("telemetry");
inline const DatasetId kSettings = dataset_id("settings");

inline Identity identity(std::uint8_t number) {
  Identity out;
  out.node.bytes.fill(number);
  out.incarnation.bytes.fill(static_cast<std::uint8_t>(0xa0 + number));
  return out;
}

inline NodeConfig config() {
  NodeConfig out;
  out.fleet.bytes.fill(0xf1);
  out.datasets = {{"telemetry"}, {"settings", DatasetKind::kMap}};
  out.commit_interval = microseconds(0);  // Each write is committed by the call that makes it.
  out.report_interval = out.news_interval =
      microseconds(0);  // And what there is to say of it is said at once.
  return out;
}

inline NamedEvent event(Ticks time, double value = 1.5, std::string series = "room/temperature") {
  return {time, 0, Quality::kGood, std::nullopt, {{std::move(series), "Cel", value}}};
}

inline std::vector<NamedEvent> events(Ticks first, std::size_t count) {
  std::vector<NamedEvent> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(event(first + static_cast<Ticks>(i)));
  return out;
}

// Events with texts of so many bytes, which do not shrink.
inline std::vector<NamedEvent> noisy_events(Ticks time, std::size_t count, std::size_t bytes) {
  std::vector<NamedEvent> out;
  std::string noise(bytes, 'x');
  for (std::size_t n = 0; n < count; ++n) {
    for (std::size_t i = 0; i < bytes; ++i)
      noise[i] = static_cast<char>('a' + (static_cast<std::size_t>(time) * 31 + n * 17 + i * i) % 26);
    out.push_back({time, 0, Quality::kGood, std::nullopt, {{"log", "", noise}}});
  }
  return out;
}

// A node, its store, and all that it ever asked its driver for.
class TestNode {
 public:
  explicit TestNode(std::uint8_t number, NodeConfig with = config())
      : config_(std::move(with)), store_(identity(number)) {
    restart();
  }

  // A node that finds what `backup` holds, and goes on in another incarnation.
  TestNode(const MemoryStore& backup, std::uint8_t incarnation, NodeConfig with = config())
      : TestNode(backup, std::move(with)) {
    Incarnation next;
    next.bytes.fill(incarnation);
    store_.start_incarnation(next);
    restart();
  }
  // The same in the incarnation that is there, as if it were no copy.
  explicit TestNode(const MemoryStore& backup, NodeConfig with = config())
      : config_(std::move(with)), store_(backup) {
    restart();
  }

  // What is durable stays, all else is gone.
  void restart() {
    store_.crash();
    node_ = std::make_unique<Node>(config_, *store_.image(), store_);
    frames.clear();
    carry_out();
  }

  // The machine was started anew: what is durable stays.
  void reboot(std::uint8_t boot) {
    config_.boot.bytes.fill(boot);
    now.up = {};
    restart();
  }
  // And in its memory nothing is left that vouches for the incarnation.
  void reboot(std::uint8_t boot, std::uint8_t incarnation) {
    Incarnation next;
    next.bytes.fill(incarnation);
    store_.start_incarnation(next);
    reboot(boot);
  }

  template <class Call>
  auto call(Call what) {
    auto result = what(*node_, now);
    carry_out();
    return result;
  }
  Result<WriteId> write(const std::vector<NamedEvent>& what) {
    return call([&](Node& node, Instant at) { return node.write(kTelemetry, what, at); });
  }
  Result<WriteId> put(const std::string& key, const std::string& value) {
    return call([&](Node& node, Instant at) { return node.put(kSettings, key, value, at); });
  }
  Result<WriteId> remove(const std::string& key) {
    return call([&](Node& node, Instant at) { return node.remove(kSettings, key, at); });
  }
  void opened(PeerId peer) {
    call([&](Node& node, Instant at) { return node.opened(peer, at), 0; });
  }
  void received(PeerId peer, ByteView frame) {
    call([&](Node& node, Instant at) { return node.received(peer, frame, at), 0; });
  }
  void closed(PeerId peer) {
    call([&](Node& node, Instant at) { return node.closed(peer, at), 0; });
  }
  void tick() {
    call([&](Node& node, Instant at) { return node.tick(at), 0; });
  }
  void wait(microseconds time) {
    now.steady += time;
    now.up += time;
    tick();
  }

  // Makes what is queued durable, and tells the node.
  void sync() {
    store_.sync();
    carry_out();
  }
  // What somebody else has put into its store.
  void store_batch(Batch batch) {
    bool stored = false;
    store_.commit(std::move(batch), [&stored](BatchId, const Status& status) { stored = status.ok(); });
    store_.sync();
    if (!stored) throw std::logic_error("a batch of a test is refused");
  }
  void hold_commits() { auto_sync_ = false; }
  void release_commits() {
    auto_sync_ = true;
    sync();
  }
  void fail_next() { store_.fail_next({ErrorCode::kIo, "the disk said no"}); }
  void damage(Seq seq) { damage({stream(), seq}); }
  void damage(Dot dot) { store_.damage(dot); }
  void lose(Dot dot) { store_.lose(dot); }
  // Starts anew without the events, which it misses.
  void miss(GivenUp gone) {
    gone.wanted = true;
    Batch batch;
    batch.given_up.push_back(std::move(gone));
    store_.commit(std::move(batch), {});
    store_.sync();
    restart();
  }
  void fail_reads(std::optional<Error> error) { store_.fail_reads(std::move(error)); }

  [[nodiscard]] const Node& node() const { return *node_; }
  [[nodiscard]] const MemoryStore& store() const { return store_; }
  [[nodiscard]] const Counters& counters() const { return node_->counters(); }
  [[nodiscard]] StreamId stream() const {
    return {kTelemetry, StreamClass::kMetric, store_.identity().node, store_.identity().incarnation};
  }
  // Dots that this node holds of `stream`.
  [[nodiscard]] IntervalSet held(const StreamId& of) const {
    const StreamKnowledge* const known = node_->knowledge().find(of);
    return known == nullptr ? IntervalSet() : known->held();
  }
  [[nodiscard]] std::string value(const std::string& key) const {
    const MapEntry* const entry = node_->map(kSettings)->find(key);
    return entry == nullptr ? "(none)" : entry->value;
  }

  Instant now{seconds(100), seconds(1'780'000'000)};
  std::deque<Send> frames;  // Not yet carried anywhere.
  std::vector<Close> closes;
  std::vector<Written> written;
  std::vector<Arrival> published;
  std::vector<std::string> rolled_back;
  std::vector<Compared> compared;
  std::vector<Note> notes;
  std::optional<microseconds> wake_at;

 private:
  void carry_out() {
    for (bool more = true; more;) {
      Effects effects = node_->take_effects();
      more = !effects.persist.empty();
      for (auto& batch : effects.persist) commit(std::move(batch));
      if (auto_sync_) store_.sync();
      frames.insert(frames.end(), effects.send.begin(), effects.send.end());
      closes.insert(closes.end(), effects.close.begin(), effects.close.end());
      written.insert(written.end(), effects.written.begin(), effects.written.end());
      published.insert(published.end(), effects.publish.begin(), effects.publish.end());
      compared.insert(compared.end(), effects.compared.begin(), effects.compared.end());
      notes.insert(notes.end(), effects.notes.begin(), effects.notes.end());
      if (!effects.rolled_back.empty()) rolled_back.push_back(effects.rolled_back);
      wake_at = effects.wake_at;
    }
  }

  void commit(Batch batch) {
    store_.commit(std::move(batch), [this](BatchId id, const Status& status) {
      if (status.ok()) node_->durable(id, now);
      if (!status.ok()) node_->failed(id, status.error(), now);
    });
  }

  NodeConfig config_;
  MemoryStore store_;
  std::unique_ptr<Node> node_;
  bool auto_sync_ = true;
};

// Connections between test nodes; frames travel when run() is called.
class TestNet {
 public:
  // Connects two nodes; returns the connection's name on both sides.
  PeerId connect(TestNode& a, TestNode& b) {
    const PeerId peer{++last_};
    ends_[peer] = {&a, &b};
    a.opened(peer);
    b.opened(peer);
    return peer;
  }
  void disconnect(PeerId peer) {
    for (TestNode* const node : ends_[peer]) node->closed(peer);
    ends_.erase(peer);
  }
  // Carries frames until nobody says anything more.
  void run() {
    while (step()) continue;
  }
  // All frames that were carried.
  std::vector<Message> said;

  // Carries those that wait, each by one hop; false if none does.
  bool step() {
    bool carried = false;
    for (const auto& [peer, ends] : std::map(ends_)) {
      carried |= carry(peer, *ends[0], *ends[1]);
      carried |= carry(peer, *ends[1], *ends[0]);
    }
    return carried;
  }

 private:
  bool carry(PeerId peer, TestNode& from, TestNode& to) {
    std::vector<Send> now;
    std::deque<Send> rest;
    for (auto& send : from.frames) {
      if (send.peer == peer) now.push_back(send);
      if (send.peer != peer) rest.push_back(send);
    }
    from.frames = std::move(rest);
    for (const auto& send : now) {
      said.push_back(**decode(*send.frame));
      to.received(peer, *send.frame);
    }
    return !now.empty();
  }

  std::map<PeerId, std::array<TestNode*, 2>> ends_;
  std::uint64_t last_ = 0;
};

// A peer of one node whose every word a test chooses.
class ScriptedPeer {
 public:
  explicit ScriptedPeer(TestNode& node, std::uint8_t number = 99, std::uint64_t link = 0)
      : node_(node), peer_{1000u + number + 1000u * link}, identity_(identity(number)) {
    node_.opened(peer_);
  }

  [[nodiscard]] message::Hello hello() const {
    message::Hello out;
    out.fleet = config().fleet;
    out.identity = identity_;
    out.codecs = {kBlockCodec};
    out.datasets = config().datasets;
    out.credit = limits::kCreditBytes;
    return out;
  }
  [[nodiscard]] StreamId stream() const {
    return {kTelemetry, StreamClass::kMetric, identity_.node, identity_.incarnation};
  }
  [[nodiscard]] StreamId map_stream() const {
    return {kSettings, StreamClass::kMetric, identity_.node, identity_.incarnation};
  }
  // A block of `count` events of series 1 as it stands in a delta, declared.
  [[nodiscard]] message::Delta delta(Seq first, std::uint32_t count) const {
    std::vector<Event> some(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      some[i].time = 1000 + static_cast<Ticks>(first) + i;
      some[i].readings = {{1, 20.5}};
    }
    message::Delta out;
    out.ref = {0, stream()};
    out.first = first;
    out.events = count;
    out.codec = kBlockCodec;
    out.head = out.settled = first + count - 1;
    out.declarations = {{1, "pump/pressure", "bar", ValueType::kDouble}};
    out.block = *encode_block(some, limits::kBlock);
    return out;
  }

  void say(const Message& message) { node_.received(peer_, encode(message)); }
  void say_bytes(ByteView frame) { node_.received(peer_, frame); }
  void agree() {
    say(hello());
    say(message::Frontier{});
    // Of streams that are over at the node it knows none, which it has told by sums that are not there.
    for (const SessionStatus& one : node_.node().sessions()) {
      if (one.peer == peer_ && one.phase == SessionPhase::kPast) say(message::Frontier{});
    }
  }
  void leave() { node_.closed(peer_); }

  // What the node has said to this peer since the last call.
  std::vector<Message> hear() {
    std::vector<Message> out;
    for (const auto& send : std::exchange(node_.frames, {})) {
      if (send.peer == peer_) out.push_back(**decode(*send.frame));
      if (send.peer != peer_) node_.frames.push_back(send);
    }
    return out;
  }
  // Why the node ended the session; empty if it did not.
  [[nodiscard]] std::string end() const {
    for (const auto& close : node_.closes) {
      if (close.peer == peer_) return close.reason;
    }
    return "";
  }
  [[nodiscard]] PeerId peer() const { return peer_; }

 private:
  TestNode& node_;
  PeerId peer_;
  Identity identity_;
};

// The stream of a writer who is not in session.
inline const StreamId kFar{kTelemetry, StreamClass::kMetric, identity(77).node, identity(77).incarnation};

// As it is said once its stream and series were named.
inline message::Delta named_before(message::Delta delta) {
  delta.ref.stream.reset();
  delta.declarations.clear();
  return delta;
}

// All messages of one type.
template <class T>
std::vector<T> only(const std::vector<Message>& messages) {
  std::vector<T> out;
  for (const auto& message : messages) {
    if (const auto* const one = std::get_if<T>(&message)) out.push_back(*one);
  }
  return out;
}

// Deltas that `said` acknowledges.
inline std::uint32_t acknowledged(const std::vector<Message>& said) {
  std::uint32_t deltas = 0;
  for (const auto& ack : only<message::Ack>(said)) deltas += ack.deltas;
  return deltas;
}

}  // namespace deltamesh::test
