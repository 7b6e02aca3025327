// crdt/column_text.cc - columns of strings and byte strings: plain, or a dictionary and indexes.
#include <cassert>
#include <map>
#include <string_view>
#include <vector>

#include "crdt/column.h"
#include "crdt/column_parts.h"
#include "crdt/varint.h"

namespace deltamesh {
namespace {

struct TextDictionary {
  std::vector<ByteView> distinct;
  std::vector<std::int64_t> indexes;
};

std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// An ordered map, because texts that were made to collide cannot slow it down.
TextDictionary find_texts(std::span<const ByteView> values) {
  TextDictionary found;
  std::map<std::string_view, std::int64_t> known;
  for (const ByteView value : values) {
    const auto [at, is_new] =
        known.try_emplace(as_text(value), static_cast<std::int64_t>(found.distinct.size()));
    if (is_new) found.distinct.push_back(value);
    found.indexes.push_back(at->second);
  }
  return found;
}

void put_texts(Bytes& out, std::span<const ByteView> values) {
  for (const ByteView value : values) put_bytes(out, value);
}

std::size_t plain_size(std::span<const ByteView> values) {
  std::size_t size = 1;
  for (const ByteView value : values) size += varint_size(value.size()) + value.size();
  return size;
}

Bytes dictionary_column(const TextDictionary& dictionary) {
  Bytes out;
  put_head(out, {static_cast<std::uint8_t>(TextCodec::kDictionary), 0});
  put_varint(out, dictionary.distinct.size());
  put_texts(out, dictionary.distinct);
  encode_ints(out, dictionary.indexes);
  return out;
}

bool get_texts(ByteView& in, std::span<ByteView> values, std::size_t value_bytes_max) {
  for (ByteView& value : values)
    if (!get_bytes(in, value, value_bytes_max)) return false;
  return true;
}

Status decode_dictionary(ByteView& in, std::span<ByteView> values, std::size_t value_bytes_max,
                         ColumnHead head) {
  std::uint64_t count = 0;
  if (!get_varint(in, count) || count == 0 || count > values.size() || count > in.size())
    return column_malformed("text", head);
  std::vector<ByteView> distinct(static_cast<std::size_t>(count));
  if (!get_texts(in, distinct, value_bytes_max)) return column_malformed("text", head);
  std::vector<std::int64_t> indexes(values.size());
  if (Status done = decode_ints(in, indexes); !done) return done;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (word(indexes[i]) >= count) return column_malformed("text", head);
    values[i] = distinct[static_cast<std::size_t>(indexes[i])];
  }
  return Done{};
}

}  // namespace

void encode_texts(Bytes& out, std::span<const ByteView> values) {
  assert(!values.empty());
  const TextDictionary dictionary = find_texts(values);
  if (dictionary.distinct.size() < values.size()) {
    const Bytes column = dictionary_column(dictionary);
    if (column.size() < plain_size(values))
      return static_cast<void>(out.insert(out.end(), column.begin(), column.end()));
  }
  put_head(out, {static_cast<std::uint8_t>(TextCodec::kPlain), 0});
  put_texts(out, values);
}

Status decode_texts(ByteView& in, std::span<ByteView> values, std::size_t value_bytes_max) {
  ColumnHead head;
  if (values.empty() || !get_head(in, head)) return column_malformed("text", head);
  if (head.codec > static_cast<std::uint8_t>(TextCodec::kDictionary) || head.scale != 0)
    return column_unsupported("text", head);
  if (head.codec == static_cast<std::uint8_t>(TextCodec::kDictionary))
    return decode_dictionary(in, values, value_bytes_max, head);
  if (!get_texts(in, values, value_bytes_max)) return column_malformed("text", head);
  return Done{};
}

}  // namespace deltamesh
