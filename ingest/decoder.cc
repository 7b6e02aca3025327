// ingest/decoder.cc - matches the topic and hands the payload to the decoder of its kind.
#include "ingest/decoder.h"

#include "ingest/json_decoder.h"
#include "ingest/limits.h"
#include "ingest/plain_decoder.h"

namespace deltamesh {

Judged<NamedEvent> decode(const CompiledRule& rule, const Message& message) {
  auto parts =
      message.topic.size() <= limits::kTopicBytesMax ? rule.topic().match(message.topic) : std::nullopt;
  if (!parts) return Refused{Refusal::kTopicMismatch, "no rule for this topic"};
  if (rule.rule().payload == PayloadKind::kPlain) return decode_plain(rule, *parts, message);
  return decode_json(rule, *std::move(parts), message);
}

}  // namespace deltamesh
