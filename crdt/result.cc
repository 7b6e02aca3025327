// crdt/result.cc - the words for error codes.
#include "crdt/result.h"

namespace deltamesh {

const char* to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid: return "invalid";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kLimit: return "limit";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kMismatch: return "mismatch";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kFull: return "full";
    case ErrorCode::kIo: return "io";
    case ErrorCode::kClosed: return "closed";
    case ErrorCode::kForked: return "forked";
  }
  return "unknown";
}

}  // namespace deltamesh
