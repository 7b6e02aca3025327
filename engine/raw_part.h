// engine/raw_part.h - the items of long lists, as they stand behind the control part of a frame.
//
// Varints and canonical bytes of crdt; docs/protocol.md has the grammar. Cap'n Proto would spend a pointer
// and padding on each, and a decoder could not tell how many there are before it has believed the sender.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "crdt/knowledge.h"
#include "crdt/varint.h"
#include "engine/message.h"

namespace deltamesh {

inline constexpr std::size_t kStreamIdBytes = 41;

void put_stream_id(Bytes& out, const StreamId& stream);
void put_stream_ref(Bytes& out, const message::StreamRef& ref);
void put_declaration(Bytes& out, const SeriesDecl& decl);
void put_knowledge(Bytes& out, const StreamKnowledge& known);  // As in a frontier.
void put_item(Bytes& out, const message::Frontier::Entry& entry);
// What the senders of `entries` have given up, and of how many entries that is something.
std::uint32_t put_given(Bytes& out, const std::vector<message::Frontier::Entry>& entries);
void put_item(Bytes& out, const message::Frontier::Past& past);
// All of a delta but its block.
void put_delta(Bytes& out, const message::Delta& delta);
void put_map_delta(Bytes& out, const message::MapDelta& delta);
void put_ack(Bytes& out, const message::Ack& ack);
void put_tier_ack(Bytes& out, const message::TierAck& ack);
void put_ranges(Bytes& out, const std::vector<message::RangeQuestion::Range>& ranges);
void put_item(Bytes& out, const message::RangeAnswer::Part& part);
void put_map_ranges(Bytes& out, const std::vector<message::MapQuestion::Range>& ranges);
void put_map_answer(Bytes& out, const message::MapAnswer& answer);

// Takes items from the front of a raw part. After the first refusal every further call yields an empty value
// and takes nothing, so callers look at ok() once a loop, and at finish().
class RawReader {
 public:
  explicit RawReader(ByteView bytes) : in_(bytes) {}

  std::uint64_t number(const char* what);
  // 0 to max.
  std::uint32_t number(const char* what, std::uint32_t max);
  Seq seq(const char* what);  // 0 to limits::kSeqMax.
  StreamId stream_id();
  message::StreamRef stream_ref();
  IntervalSet intervals();
  SeriesDecl declaration();
  message::Frontier::Entry frontier_entry();
  void given(std::uint32_t count, std::vector<message::Frontier::Entry>& entries);
  message::Frontier::Past past();
  Bytes digest();  // 16 bytes.
  message::Ack ack();
  message::TierAck tier_ack();
  message::Delta delta();  // All but its block.
  message::MapDelta map_delta();
  // Behind the dot `after` and at most `upto`.
  message::RangeQuestion::Range range(Seq after, Seq upto);
  message::RangeAnswer::Part range_part();
  DatasetId dataset();
  StreamId stream_of(DatasetId dataset);
  // Behind `after`; a range that goes on to the end of the keys has nothing behind it.
  message::MapQuestion::Range map_range(const message::KeyRange* after);
  message::MapAnswer::Known map_known(DatasetId dataset);
  message::MapAnswer::Part map_part(std::size_t streams);
  ByteView rest();

  void check(const Status& status);
  [[nodiscard]] bool ok() const { return !error_; }
  // The first refusal; or, if there was none, one for bytes left over.
  [[nodiscard]] Status finish() const;

 private:
  void refuse(ErrorCode code, std::string text);
  // `value` if it is not more; else 0, refused.
  std::uint32_t within(std::uint64_t value, const char* what, std::uint32_t max);
  template <std::size_t N>
  void fill(std::array<std::uint8_t, N>& bytes);
  std::uint32_t parts(std::uint32_t known);
  std::uint32_t items(bool there, const char* what, std::size_t max);
  template <class Item>
  std::vector<Item> ack_list(bool there, Item (RawReader::*item)(std::uint32_t& before));
  message::Ack::Stream ack_stream(std::uint32_t& before);
  message::Ack::Have ack_have(std::uint32_t& before);
  std::uint32_t ack_index(std::uint32_t& before);
  std::uint32_t index_near(std::uint64_t distance, std::uint32_t& before);
  IntervalSet dots(bool several);
  message::MapDelta::Known map_known(bool& all_but);
  message::MapDelta::Entry map_entry(std::optional<std::uint32_t> before);
  message::RangeSum range_sum(std::uint64_t width);
  IntervalSet range_runs();
  message::RangeAnswer::Cells range_cells(std::uint64_t shift);
  std::string key_text(const char* what);
  message::RangeSum map_sum();
  Fingerprint fingerprint();
  message::MapAnswer::Entries map_entries(std::size_t streams);
  message::MapAnswer::Cells map_cells();

  ByteView in_;
  std::optional<Error> error_;
};

}  // namespace deltamesh
