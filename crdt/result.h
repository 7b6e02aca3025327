// crdt/result.h - a value, or the reason why there is none.
//
// A bug asserts, a fault returns: whatever comes from outside (bytes, disk, peer, operator) is answered with
// a Result. The text of an Error is for people: it names what was wrong and both values where two differ.
#pragma once

#include <cassert>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace deltamesh {

enum class ErrorCode : std::uint8_t {
  kInvalid,      // The input breaks a rule of its format.
  kCorrupt,      // Stored data fails its checksum or its decode.
  kLimit,        // A bound would be exceeded; see engine/limits.h.
  kUnsupported,  // A version, codec or type this build does not know.
  kMismatch,     // Two sides disagree (fleet, dataset, identity).
  kNotFound,
  kFull,    // No room now; trying again later can help.
  kIo,      // The operating system refused.
  kClosed,  // The thing asked is shutting down.
  kForked,  // Two events were written under one number.
};

// A short stable word for logs and JSON: "invalid", "not_found", ...
const char* to_string(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  std::string text;
  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // The value; only when ok().
  T& operator*() & { return assert(ok()), *std::get_if<0>(&state_); }
  const T& operator*() const& { return assert(ok()), *std::get_if<0>(&state_); }
  T&& operator*() && { return assert(ok()), std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return assert(ok()), std::get_if<0>(&state_); }
  const T* operator->() const { return assert(ok()), std::get_if<0>(&state_); }

  // The reason; only when not ok().
  [[nodiscard]] const Error& error() const { return assert(!ok()), *std::get_if<1>(&state_); }

 private:
  std::variant<T, Error> state_;
};

struct Done {
  friend bool operator==(Done, Done) = default;
};
// The outcome of something that yields no value: `return Done{};`.
using Status = Result<Done>;

}  // namespace deltamesh
