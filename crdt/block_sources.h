// crdt/block_sources.h - the part of a block that says which message at its source each event was.
//
// A source counts its own messages, while those of many take turns in a block. So events are put in groups by
// their series (crdt/block_groups.h), and each group is written by itself: its sessions, which hardly change,
// and the steps of its counter, which are nearly all the same. Where that does not pay, all are one group.
// Grammar: docs/formats/block.md. Only crdt/block*.cc include this.
#pragma once

#include "crdt/block_columns.h"

namespace deltamesh {

// Appends the sources of a block that has one at least.
void put_sources(Bytes& out, const BlockColumns& columns);

// Fills in has_source, sessions and counters from all of `in`, which nobody has vouched for. Needs directory,
// shapes and their ids, checked.
Status get_sources(ByteView in, BlockColumns& columns);

}  // namespace deltamesh
