// engine/block_cursor.cc - pages of blocks, checked one by one.
#include "engine/block_cursor.h"

#include <cassert>

#include "engine/batch_rules.h"
#include "engine/limits.h"

namespace deltamesh {
namespace {

// Read at a time. Larger: memory, twice a comparison. Smaller: each page reads one block of the last again.
constexpr std::size_t kPageBytes = 1u << 20;

std::string block_name(const StoredBlock& block) {
  return "the block of " + describe(block.stream, block.interval());
}

bool same_place(const StoredBlock& block, const BlockSummary& summary) {
  const bool same_times = block.time_min == summary.time_min && block.time_max == summary.time_max;
  return block.events == summary.events && block.has_utc == summary.has_utc && block.boots == summary.boots &&
         (!block.has_utc || same_times);
}

}  // namespace

Result<BlockSummary> check_block(const StoredBlock& block) {
  if (block.codec != kBlockCodec) {
    return Error{ErrorCode::kUnsupported, block_name(block) + " has codec " + std::to_string(block.codec) +
                                              ", this build knows codec " + std::to_string(kBlockCodec)};
  }
  auto summary = validate_block(*block.bytes, limits::kBlock);
  if (!summary) {
    return Error{ErrorCode::kCorrupt, block_name(block) + " does not decode: " + summary.error().text};
  }
  if (!same_place(block, *summary)) {
    return Error{ErrorCode::kCorrupt, block_name(block) + " holds " + std::to_string(summary->events) +
                                          " events, and their number or times are not those of its index"};
  }
  return summary;
}

Status BlockCursor::enter() {
  last_ = std::move(block_);
  block_.reset();
  offset_ = 0;
  events_.clear();
  if (next_ == page_.size() && !fetched_all_) {
    if (Status status = fetch(); !status) return named(status.error());
  }
  if (next_ == page_.size()) return Done{};
  block_ = std::move(page_[next_++]);
  if (Status status = expect_after(last_); !status) return named(status.error());
  auto summary = check_block(*block_);
  if (!summary) return named(summary.error());
  summary_ = std::move(*summary);
  return Done{};
}

// Asks from within the last block on, not from behind it: a block that overlaps it must not stay unseen.
// Where that answers with the last block alone, the next is either not there or damaged, and asking for it
// tells which.
Status BlockCursor::fetch() {
  const Seq from = last_ ? last_->first + 1 : 1;
  auto page = reader_.blocks(stream_, {from, limits::kSeqMax}, kPageBytes);
  if (!page) return page.error();
  const auto known = [this](const StoredBlock& block) {
    return last_ && block.first == last_->first && block.events == last_->events;
  };
  if (!page->empty() && known(page->front())) page->erase(page->begin());
  if (page->empty() && last_)
    page = reader_.blocks(stream_, {last_->interval().last + 1, limits::kSeqMax}, kPageBytes);
  if (!page) return page.error();
  page_ = std::move(*page);
  next_ = 0;
  fetched_all_ = page_.empty();
  return Done{};
}

Status BlockCursor::expect_after(const std::optional<StoredBlock>& last) const {
  if (!last || block_->first > last->interval().last) return Done{};
  return Error{ErrorCode::kCorrupt, block_name(*block_) + " overlaps dots " + std::to_string(last->first) +
                                        " to " + std::to_string(last->interval().last)};
}

Result<const Event*> BlockCursor::event() {
  if (events_.empty()) {
    auto events = decode_block(*block_->bytes, limits::kBlock);
    if (!events) return named(events.error());
    events_ = std::move(*events);
  }
  return &events_[offset_];
}

Status BlockCursor::skip(std::uint32_t events) {
  assert(events <= events_left());
  offset_ += events;
  return offset_ < block_->events ? Status(Done{}) : enter();
}

}  // namespace deltamesh
