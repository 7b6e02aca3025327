// engine/node_hello.cc - what two nodes must agree on before data flows.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {
namespace {

using std::to_string;

std::string words(const DatasetConfig& dataset) {
  static constexpr const char* kKind[] = {"telemetry", "map"};
  static constexpr const char* kResolution[] = {"ms", "us", "ns"};
  static constexpr const char* kClass[] = {"metric", "alarm", "log"};
  std::string text = kKind[static_cast<std::size_t>(dataset.kind)];
  if (dataset.kind == DatasetKind::kTelemetry)
    text += std::string(" in ") + kResolution[static_cast<std::size_t>(dataset.resolution)];
  return text + " of class " + kClass[static_cast<std::size_t>(dataset.cls)];
}

bool alike(const DatasetConfig& a, const DatasetConfig& b) {
  return a.kind == b.kind && a.resolution == b.resolution && a.cls == b.cls;
}

bool pushes(Scope scope) {
  return scope == Scope::kBoth || scope == Scope::kPush;
}
bool pulls(Scope scope) {
  return scope == Scope::kBoth || scope == Scope::kPull;
}

const DatasetConfig* named(const std::vector<DatasetConfig>& datasets, const std::string& name) {
  const auto same = [&](const DatasetConfig& dataset) { return dataset.name == name; };
  const auto it = std::find_if(datasets.begin(), datasets.end(), same);
  return it == datasets.end() ? nullptr : &*it;
}

std::string list(const std::vector<std::uint8_t>& numbers) {
  std::string text;
  for (const auto number : numbers) text += (text.empty() ? "" : " ") + to_string(number);
  return text.empty() ? "(none)" : text;
}

Error mismatch(std::string text) {
  return {ErrorCode::kMismatch, std::move(text)};
}

// Every dataset that one side knows must be known to the other and mean the same there; a node that shall not
// carry one says so by its scope.
Status agree_on(const std::vector<DatasetConfig>& ours, const std::vector<DatasetConfig>& theirs) {
  for (const auto& dataset : ours) {
    const DatasetConfig* const other = named(theirs, dataset.name);
    if (other == nullptr)
      return mismatch("dataset " + dataset.name + " is " + words(dataset) +
                      " on one side and missing on the other");
    if (!alike(dataset, *other)) {
      return mismatch("dataset " + dataset.name + " is " + words(dataset) + " on one side and " +
                      words(*other) + " on the other");
    }
  }
  return Done{};
}

}  // namespace

message::Hello Node::make_hello(std::uint32_t credit) const {
  message::Hello hello;
  hello.fleet = config_.fleet;
  hello.identity = identity_;
  hello.software = config_.software;
  hello.codecs = {kBlockCodec};
  hello.credit = credit;
  hello.datasets = config_.datasets;
  hello.rules = forgetting_.digest();
  for (const auto& [id, own] : own_) {
    const StreamKnowledge* const known = knowledge_.find(streams_[own.ix]);
    if (known != nullptr)
      hello.own.push_back({streams_[own.ix], known->head(), last_cell(own.ix, known->head())});
  }
  return hello;
}

Status Node::receive(Session& session, const message::Hello& hello, Instant now) {
  if (Status agreed = agree(hello); !agreed.ok()) return agreed;
  if (Status single = check_forks(hello); !single.ok()) return single;
  session.remote = hello.identity;
  if (session.remote.node == identity_.node) note_clone(session.peer);
  session.software = hello.software;
  session.credit = std::min<std::int64_t>(hello.credit, limits::kCreditBytes);
  for (const auto& theirs : hello.datasets) {
    const DatasetId id = dataset_id(theirs.name);
    const Scope ours = datasets_.at(id).scope;
    if (pushes(ours) && pulls(theirs.scope)) session.sends.insert(id);
    if (pulls(ours) && pushes(theirs.scope)) session.takes.insert(id);
  }
  session.sends.insert(rules_map());
  session.takes.insert(rules_map());
  end_other_lives(session);
  session.peer_quiet = hello.quiet;
  session.digest = hello.knowledge;
  tell_floors(session);
  if (session.digest == session.told->digest && shares_all(session) && !is_rejoining()) {
    // Equal digests stand for two equal frontiers.
    take_image(session);
    go_live(session, now);
    return Done{};
  }
  session.phase = SessionPhase::kFrontier;
  send_frontier(session, base_for(session, hello).get());
  return Done{};
}

Status Node::agree(const message::Hello& hello) const {
  if (hello.version_min > message::kProtocolVersion || hello.version_max < message::kProtocolVersion) {
    return mismatch("protocol versions " + to_string(hello.version_min) + " to " +
                    to_string(hello.version_max) + " on one side, " + to_string(message::kProtocolVersion) +
                    " on the other");
  }
  if (hello.fleet != config_.fleet) {
    return mismatch("fleet " + hex(hello.fleet.bytes) + " on one side, " + hex(config_.fleet.bytes) +
                    " on the other");
  }
  if (hello.identity == identity_) {
    return mismatch("both sides are node " + hex(identity_.node.bytes) + " in one incarnation: one is a " +
                    "running copy of the other, or dialled itself");
  }
  if (std::find(hello.codecs.begin(), hello.codecs.end(), kBlockCodec) == hello.codecs.end()) {
    return mismatch("block codecs " + list(hello.codecs) + " are read on one side, " +
                    to_string(kBlockCodec) + " is written on the other");
  }
  if (Status good = agree_on(config_.datasets, hello.datasets); !good.ok()) return good;
  return agree_on(hello.datasets, config_.datasets);
}

}  // namespace deltamesh
