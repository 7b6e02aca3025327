// engine/effects.h - what a node wants done: the only way in which it touches the world.
//
// The driver carries them out in the order of the members. Whatever depends on a commit appears only after
// the driver has reported that commit durable, so sending at once is always right.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crdt/interval_set.h"
#include "engine/compared.h"
#include "engine/store.h"

namespace deltamesh {

// The driver's clocks at one moment. Timers follow `steady`; map stamps, and events that bring no time of
// their own, look at the others.
struct Instant {
  std::chrono::microseconds steady{0};  // Never goes back; its zero means nothing.
  std::chrono::microseconds wall{0};    // Since 1970 as the machine believes; may jump.
  bool trusted = true;                  // Something vouches for `wall`, such as NTP.
  std::chrono::microseconds up{0};      // Since the machine was started: NodeConfig::boot. Never goes back.
};

// One accepted local write; the driver tells its writer when it is durable.
enum class WriteId : std::uint64_t {};

struct Send {
  PeerId peer{};
  std::shared_ptr<const Bytes> frame;
};
struct Close {
  PeerId peer{};
  std::string reason;
};
struct Written {
  WriteId write{};
  Status status = Done{};
};
// Something became durable here: events of a stream, or (empty dots) keys of a map.
struct Arrival {
  DatasetId dataset{};
  StreamId stream;
  std::optional<Interval> dots;
  std::vector<std::string> keys;
  bool local = false;
};
struct Note {
  enum class Level : std::uint8_t { kInfo, kWarning } level = Level::kInfo;
  std::string text;
  std::optional<PeerId> peer;  // Whom it is about.
};

struct Effects {
  std::vector<Batch> persist;
  std::vector<Send> send;
  std::vector<Close> close;
  std::vector<Written> written;
  std::vector<Arrival> publish;
  std::vector<Note> notes;
  std::vector<Compared> compared;  // Comparisons that have ended; each that was begun does.
  // Not empty, once a node's life: another life of this store has issued numbers in the same incarnation. It
  // should be opened anew at once, as another incarnation.
  std::string rolled_back;
  std::optional<std::chrono::microseconds> wake_at;  // On the steady clock: call tick() then.
};

}  // namespace deltamesh
