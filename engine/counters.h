// engine/counters.h - what a node counts about itself, so that nothing is refused or repeated silently.
#pragma once

#include <cstdint>

namespace deltamesh {

struct Counters {
  std::uint64_t events_written = 0;      // Local, durable.
  std::uint64_t events_received = 0;     // From peers, new here, durable.
  std::uint64_t redundant_events = 0;    // From peers, already held or pending.
  std::uint64_t redundant_bytes = 0;     // Payload of those (in proportion where a block was cut).
  std::uint64_t payload_bytes_sent = 0;  // Blocks and map entries.
  std::uint64_t payload_bytes_received = 0;
  std::uint64_t frame_bytes_sent = 0;  // All frames, heads included.
  std::uint64_t frame_bytes_received = 0;
  std::uint64_t frames_refused = 0;  // Did not decode, or broke a rule; each ended its session.
  std::uint64_t handshakes_refused = 0;
  std::uint64_t forks_found = 0;  // Peers that had written other events under numbers that we hold.
  std::uint64_t clones_met = 0;   // Sessions with a node of our own name, in another incarnation.
  std::uint64_t writes_refused = 0;
  std::uint64_t batches_failed = 0;
  std::uint64_t events_taken_anew = 0;  // Could not be read, and a peer has them.
  std::uint64_t events_unreadable = 0;  // Damaged in the store, so that a peer did not get them; each time.
  std::uint64_t events_given_up = 0;    // Of telemetry, by retention.
  std::uint64_t events_unacknowledged = 0;  // Of those, that the dataset's tier did not have yet.
  std::uint64_t events_lost = 0;            // Of those, written here: declared void, for all to know.
  std::uint64_t blocks_refused = 0;         // Blocks from peers that there was no room for.
  std::uint64_t series_conflicts = 0;       // A declaration that contradicts the one we have.
  std::uint64_t range_questions_answered = 0;
  std::uint64_t range_questions_refused = 0;  // Too much to read for now, or unreadable.
  std::uint64_t ranges_compared = 0;   // Pieces of streams, and maps, compared with a peer to their ends.
  std::uint64_t ranges_different = 0;  // Of those that the scrub compared: twice not what both sides believe.
  std::uint64_t map_entries_written = 0;
  std::uint64_t map_entries_received = 0;
  std::uint64_t map_conflicts = 0;         // That there are now.
  std::uint64_t map_surfaced = 0;          // Writes listed at the start, and surfaced since then.
  std::uint64_t map_rejoins = 0;           // Maps that were taken anew.
  std::uint64_t tombstones_collected = 0;  // Removed keys that are forgotten.
  std::uint64_t stamps_ahead = 0;          // Received, further ahead of our trusted clock than is allowed.
  std::uint64_t clock_ahead_told = 0;      // Peers that were told the time because of that.
  std::uint64_t clock_ahead_heard = 0;     // Times that a peer told us, and was believed.
  std::uint64_t clock_set_back = 0;        // Our stamps ran ahead of the time that became known.
  std::uint64_t entries_mended = 0;        // Of our own, written anew because of that.
  std::uint64_t events_from_boot = 0;      // Written here, counted from a boot as the time was not known.
  std::uint64_t boots_without_offset =
      0;                             // That there are now: boots of this machine from which such are counted.
  std::uint64_t offsets_learnt = 0;  // Offsets of boots, written here or received; durable.
  std::uint64_t offsets_refused = 0;   // Such records from peers that say nothing usable.
  std::uint64_t rules_in_effect = 0;   // Rules for wrong data that there are now.
  std::uint64_t rules_refused = 0;     // Keys of `$rules` that are none; at the start, and since then.
  std::uint64_t values_forgotten = 0;  // Removed by rules: from blocks that are stored, or before they were.
  std::uint64_t blocks_rewritten = 0;  // Of those that are stored.
  std::uint64_t blocks_merged = 0;     // Stored blocks that became part of a larger one,
  std::uint64_t bytes_merged = 0;      // and bytes of those that were written for that.
};

}  // namespace deltamesh
