// engine/batch_rules.h - what every store asks of a batch before it touches anything.
//
// Both stores call these, so that a batch which one refuses is refused by the other with the same words. A
// batch that passes can still fail for want of space or by a fault of the disk, for no other reason.
#pragma once

#include <map>

#include "engine/store.h"

namespace deltamesh {

// The rules that need no look at the store: sizes, names, no empty block.
Status check_batch(const Batch& batch);

// What the store knows of each stream that `batch` touches, once it is stored. Refuses a block that overlaps
// what `known` holds or another of the batch, and more gaps than limits::kIntervalsMax.
using KnowledgeChange = std::map<StreamId, StreamKnowledge>;
Result<KnowledgeChange> knowledge_after(const Knowledge& known, const Batch& batch);

// What a store says of dots to give up that a block lies across.
Error across_block(const GivenUp& given_up);

// What a store that has `known` knows of the streams of `writer`, whose incarnation is over: numbers below
// the last that are not here were in batches that failed, and nobody ever saw them.
Knowledge ended_streams(const Knowledge& known, const Identity& writer);

// Takes `erasure` out of a key's writes, the latest first, if it is there and may go.
bool erase_write(std::vector<MapEntry>& writes, const MapErasure& erasure);

// "the stream of dataset 7, class 0, node 12.., incarnation 9f.., dots 5 to 9", for errors.
std::string describe(const StreamId& stream);
std::string describe(const StreamId& stream, Interval dots);

}  // namespace deltamesh
