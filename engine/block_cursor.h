// engine/block_cursor.h - walks the events of one stream in dot order, and trusts nothing that it meets.
//
// Blocks are read a page at a time, so memory does not grow with the stream. Each is decoded when it is
// entered, and its place in the index is compared with what is in it; the events themselves are only made
// when they are asked for. Two blocks that hold one dot are an error. Errors name the store and the block.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/store.h"

namespace deltamesh {

// Decodes `block` and compares it with its place; kUnsupported if its codec is unknown.
Result<BlockSummary> check_block(const StoredBlock& block);

class BlockCursor {
 public:
  // Stands before the first event; enter() must follow. `name` is the store's, for errors.
  BlockCursor(const StoreReader& reader, const StreamId& stream, std::string name)
      : reader_(reader), stream_(stream), name_(std::move(name)) {}

  // Goes to the first event, and from the last event of a block to the next block.
  Status enter();

  [[nodiscard]] bool at_end() const { return !block_; }
  // The rest only if not at_end().
  [[nodiscard]] Seq seq() const { return block_->first + offset_; }
  [[nodiscard]] bool at_block_start() const { return offset_ == 0; }
  [[nodiscard]] std::uint32_t events_left() const { return block_->events - offset_; }  // In this block.
  [[nodiscard]] const StoredBlock& block() const { return *block_; }
  [[nodiscard]] const BlockSummary& summary() const { return summary_; }

  // The event under the cursor. Stays until the cursor leaves the block.
  Result<const Event*> event();
  // Goes `events` on, at most events_left().
  Status skip(std::uint32_t events);

 private:
  Status fetch();
  Status expect_after(const std::optional<StoredBlock>& last) const;
  [[nodiscard]] Error named(const Error& error) const { return {error.code, name_ + ": " + error.text}; }

  const StoreReader& reader_;
  StreamId stream_;
  std::string name_;
  std::vector<StoredBlock> page_;
  std::size_t next_ = 0;  // In the page.
  bool fetched_all_ = false;
  std::optional<StoredBlock> block_, last_;
  BlockSummary summary_;
  std::uint32_t offset_ = 0;
  std::vector<Event> events_;  // Of block_, once they were asked for.
};

}  // namespace deltamesh
