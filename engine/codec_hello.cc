// engine/codec_hello.cc - who a peer says it is, what it has, and whether that can be true.
#include "engine/codec_hello.h"

#include <algorithm>
#include <iterator>

#include "engine/limits.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

Error invalid(std::string text) {
  return {ErrorCode::kInvalid, std::move(text)};
}

ByteView view(capnp::Data::Reader data) {
  return std::as_bytes(std::span(data.begin(), data.size()));
}

Bytes copy(capnp::Data::Reader data) {
  return {view(data).begin(), view(data).end()};
}

std::string copy(capnp::Text::Reader text) {
  return {text.begin(), text.size()};
}

template <class Id>
Result<Id> id(capnp::Data::Reader data, const char* what) {
  Id out;
  if (data.size() != out.bytes.size()) {
    return invalid(std::string(what) + " id of " + std::to_string(data.size()) + " bytes, must be 16");
  }
  std::copy(data.begin(), data.end(), out.bytes.begin());
  return out;
}

Result<DatasetConfig> read_dataset(wire::Dataset::Reader in) {
  const auto kind = check_enum(in.getKind(), DatasetKind::kMap, "dataset kind");
  if (!kind) return kind.error();
  const auto resolution = check_enum(in.getResolution(), Resolution::kNanoseconds, "resolution");
  if (!resolution) return resolution.error();
  const auto cls = check_enum(in.getStreamClass(), StreamClass::kLog, "stream class");
  if (!cls) return cls.error();
  const auto scope = check_enum(in.getScope(), Scope::kNeither, "scope");
  if (!scope) return scope.error();
  return DatasetConfig{copy(in.getName()), *kind, *resolution, *cls, *scope};
}

Result<message::Hello::OwnStream> read_own(wire::OwnStream::Reader in, const Identity& self) {
  const auto cls = check_enum(in.getStreamClass(), StreamClass::kLog, "stream class");
  if (!cls) return cls.error();
  const auto incarnation = in.getIncarnation().size() == 0
                               ? Result<Incarnation>(self.incarnation)
                               : id<Incarnation>(in.getIncarnation(), "incarnation");
  if (!incarnation) return incarnation.error();
  const Bytes fingerprint = copy(in.getLastCell());
  if (!fingerprint.empty() && fingerprint.size() != 16) {
    return invalid("last cell of " + std::to_string(fingerprint.size()) + " bytes, must be 16 or 0");
  }
  return message::Hello::OwnStream{
      {DatasetId{in.getDataset()}, *cls, self.node, *incarnation}, in.getHead(), fingerprint};
}

Status read_identity(wire::Hello::Reader in, message::Hello& hello) {
  const auto fleet = id<FleetId>(in.getFleet(), "fleet");
  if (!fleet) return fleet.error();
  const auto node = id<NodeId>(in.getNode(), "node");
  if (!node) return node.error();
  const auto incarnation = id<Incarnation>(in.getIncarnation(), "incarnation");
  if (!incarnation) return incarnation.error();
  hello.fleet = *fleet;
  hello.identity = {*node, *incarnation};
  return Done{};
}

Status read_datasets(wire::Hello::Reader in, message::Hello& hello) {
  if (const auto few = check_at_most(in.getDatasets().size(), limits::kDatasetsMax, "datasets"); !few)
    return few;
  for (const auto item : in.getDatasets()) {
    auto dataset = read_dataset(item);
    if (!dataset) return dataset.error();
    hello.datasets.push_back(*std::move(dataset));
  }
  return check_datasets(hello.datasets);
}

Status read_own_streams(wire::Hello::Reader in, message::Hello& hello) {
  if (const auto few = check_at_most(in.getOwn().size(), limits::kOwnStreamsMax, "own streams"); !few)
    return few;
  for (const auto item : in.getOwn()) {
    auto own = read_own(item, hello.identity);
    if (!own) return own.error();
    hello.own.push_back(*std::move(own));
  }
  return Done{};
}

Status read_versions(wire::Hello::Reader in, message::Hello& hello) {
  hello.version_min = in.getVersionMin();
  hello.version_max = in.getVersionMax();
  if (hello.version_min <= hello.version_max) return Done{};
  return invalid("versions from " + std::to_string(hello.version_min) + " to " +
                 std::to_string(hello.version_max));
}

Status read_opaque(wire::Hello::Reader in, message::Hello& hello) {
  const auto codecs = view(in.getCodecs());
  if (const auto few = check_at_most(codecs.size(), 256, "codecs"); !few) return few;
  hello.quiet = in.getQuiet();
  hello.knowledge = copy(in.getKnowledge());
  if (!hello.knowledge.empty() && hello.knowledge.size() != message::kDigestBytes) {
    return invalid("digest of " + std::to_string(hello.knowledge.size()) + " bytes, must be 16 or 0");
  }
  hello.rules = copy(in.getRules());
  if (!hello.rules.empty() && hello.rules.size() != message::kDigestBytes) {
    return invalid("digest of rules of " + std::to_string(hello.rules.size()) + " bytes, must be 16 or 0");
  }
  const auto token = view(in.getResumeToken());
  if (const auto few = check_at_most(token.size(), limits::kResumeTokenBytesMax, "bytes of resume token");
      !few) {
    return few;
  }
  std::transform(codecs.begin(), codecs.end(), std::back_inserter(hello.codecs),
                 std::to_integer<std::uint8_t>);
  hello.resume_token.assign(token.begin(), token.end());
  hello.software = copy(in.getSoftware());
  return check_text(hello.software, limits::kTextBytesMax, "software");
}

}  // namespace

Result<Message> read_hello(wire::Hello::Reader in) {
  message::Hello hello;
  hello.credit = in.getCredit();
  for (const auto step : {read_versions, read_identity, read_opaque, read_datasets, read_own_streams}) {
    if (const Status status = step(in, hello); !status) return status.error();
  }
  return Message{std::move(hello)};
}

}  // namespace deltamesh
