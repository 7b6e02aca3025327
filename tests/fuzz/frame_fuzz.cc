// tests/fuzz/frame_fuzz.cc - libFuzzer on all that a peer's bytes reach before a node judges them.
//
// The first byte picks the decoder: frames with a head that is made to fit (so that the fuzzer need not find
// lengths), whole frames, or blocks. What was accepted must be sayable again and mean the same.
#include <cstdlib>

#include "crdt/block.h"
#include "engine/codec.h"

using namespace deltamesh;

namespace {

void require(bool held) {
  if (!held) std::abort();
}

void try_frame(ByteView frame) {
  const auto message = decode(frame);
  if (!message || !*message) return;
  const auto again = decode(encode(**message));
  require(again.ok() && *again == *message);
}

// `bytes` is the first byte of a frame, then its payload.
void try_payload(ByteView bytes) {
  if (bytes.empty()) return;
  const auto first = std::to_integer<unsigned>(bytes[0]);
  try_frame(make_frame({FrameType(first & kFrameTypeMax), (first & 0x20) != 0, (first & 0x80) != 0},
                       {bytes.subspan(1)}));
}

void try_block(ByteView block) {
  const auto summary = validate_block(block, limits::kBlock);
  const auto events = decode_block(block, limits::kBlock);
  require(summary.ok() == events.ok());
  if (!events) return;
  require(summary->events == events->size());
  require(encode_block(*events, limits::kBlock).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input = std::as_bytes(std::span(data, size));
  switch (data[0] % 3) {
    case 0: try_payload(input.subspan(1)); break;
    case 1: try_frame(input.subspan(1)); break;
    default: try_block(input.subspan(1)); break;
  }
  return 0;
}
