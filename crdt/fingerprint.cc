// crdt/fingerprint.cc - canonical bytes of events and entries, and sums of their hashes modulo 2^128.
//
// The bytes are written in a fixed order with explicit widths, so every machine hashes the same. Each kind of
// member starts with a byte of its own, so that an event never counts as an entry.
#include "crdt/fingerprint.h"

#include <xxhash.h>

#include <bit>
#include <cassert>

#include "crdt/varint.h"

namespace deltamesh {
namespace {

enum class Member : std::uint8_t { kEvent = 1, kEntry = 2 };

void put_byte(Bytes& out, std::uint8_t value) {
  out.push_back(std::byte{value});
}

void put_id(Bytes& out, const std::array<std::uint8_t, 16>& id) {
  for (const std::uint8_t byte : id) put_byte(out, byte);
}

void put_dot(Bytes& out, const Dot& dot) {
  put_fixed64(out, static_cast<std::uint64_t>(dot.stream.dataset));
  put_byte(out, static_cast<std::uint8_t>(dot.stream.cls));
  put_id(out, dot.stream.node.bytes);
  put_id(out, dot.stream.incarnation.bytes);
  put_fixed64(out, dot.seq);
}

struct ValueWriter {
  Bytes& out;
  void operator()(bool value) const { put_byte(out, value ? 1 : 0); }
  void operator()(std::int64_t value) const { put_fixed64(out, static_cast<std::uint64_t>(value)); }
  void operator()(double value) const { put_fixed64(out, std::bit_cast<std::uint64_t>(value)); }
  void operator()(const std::string& value) const { put_string(out, value); }
  void operator()(const Bytes& value) const { put_bytes(out, value); }
};

void put_value(Bytes& out, const Value& value) {
  put_byte(out, static_cast<std::uint8_t>(type_of(value)));
  std::visit(ValueWriter{out}, value);
}

void put_event_head(Bytes& out, const Event& event) {
  put_fixed64(out, static_cast<std::uint64_t>(event.time));
  put_varint(out, event.boot);
  put_byte(out, static_cast<std::uint8_t>(event.quality));
  put_byte(out, event.source ? 1 : 0);
  if (event.source) {
    put_fixed64(out, event.source->session);
    put_fixed64(out, event.source->counter);
  }
}

Fingerprint fingerprint_of(const Bytes& member) {
  Fingerprint sum;
  sum.add(member);
  return sum;
}

}  // namespace

void Fingerprint::add(ByteView member) {
  const XXH128_hash_t hash = XXH3_128bits(member.data(), member.size());
  Fingerprint one;
  one.high_ = hash.high64;
  one.low_ = hash.low64;
  add(one);
}

void Fingerprint::add(const Fingerprint& other) {
  const std::uint64_t low = low_ + other.low_;
  high_ += other.high_ + (low < low_ ? 1 : 0);
  low_ = low;
}

void Fingerprint::subtract(const Fingerprint& other) {
  high_ -= other.high_ + (low_ < other.low_ ? 1 : 0);
  low_ -= other.low_;
}

Fingerprint fingerprint_event(const Dot& dot, const Event& event, std::span<const SeriesDecl* const> decls) {
  assert(decls.size() == event.readings.size());
  Bytes member;
  put_byte(member, static_cast<std::uint8_t>(Member::kEvent));
  put_dot(member, dot);
  put_event_head(member, event);
  put_varint(member, event.readings.size());
  for (std::size_t i = 0; i < event.readings.size(); ++i) {
    assert(decls[i] != nullptr && decls[i]->number == event.readings[i].series);
    put_string(member, decls[i]->name);
    put_value(member, event.readings[i].value);
  }
  return fingerprint_of(member);
}

Fingerprint fingerprint_entry(const MapEntry& entry) {
  if (entry.tombstone) return {};
  Bytes member;
  put_byte(member, static_cast<std::uint8_t>(Member::kEntry));
  put_dot(member, entry.version.dot);
  put_varint(member, entry.version.epoch);
  put_fixed64(member, entry.version.stamp.bits);
  put_string(member, entry.key);
  put_string(member, entry.value);
  return fingerprint_of(member);
}

}  // namespace deltamesh
