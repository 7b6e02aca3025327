// tests/sqlite/store_contents.cc - read, compared.
#include "tests/sqlite/store_contents.h"

#include "engine/batch_rules.h"

namespace deltamesh {
namespace {

std::string differing_knowledge(const Knowledge& knowledge, const StoreModel& model) {
  for (const auto& [stream, state] : model.streams) {
    const StreamKnowledge* known = knowledge.find(stream);
    if (!state.equals(known != nullptr ? *known : StreamKnowledge{}))
      return "knowledge of " + describe(stream);
  }
  for (const auto& entry : knowledge.entries()) {
    if (!model.streams.contains(entry.stream)) return "knowledge of an unheard-of " + describe(entry.stream);
  }
  return {};
}

bool same_series(const std::vector<StreamSeries>& series, const StoreModel& model) {
  return std::equal(
      series.begin(), series.end(), model.declarations.begin(), model.declarations.end(),
      [](const StreamSeries& a, const auto& b) { return a.stream == b.first.first && a.decl == b.second; });
}

bool same_entries(const std::vector<MapWrite>& entries, const StoreModel& model) {
  auto at = entries.begin();
  for (const auto& [dataset, map] : model.maps) {
    for (const auto& [key, entry] : map.entries()) {
      for (const MapEntry* const write : map.writes(key)) {
        if (at == entries.end() || at->dataset != dataset || !(at->entry == *write)) return false;
        ++at;
      }
    }
  }
  return at == entries.end();
}

bool same_floors(const StoreImage& image, const StoreModel& model) {
  std::map<DatasetId, MapFloor> floors;
  for (const auto& [dataset, floor] : image.floors) floors.emplace(dataset, floor);
  std::size_t surfaced = 0;
  for (const auto& [dataset, writes] : model.surfaced) surfaced += writes.size();
  return floors == model.floors && image.surfaced == surfaced;
}

bool same_boots(const std::vector<OwnBoot>& boots, const StoreModel& model) {
  return std::equal(boots.begin(), boots.end(), model.own_boots.begin(), model.own_boots.end(),
                    [](const OwnBoot& a, const auto& b) { return a == b.second; });
}

bool before(const StoredBlock& a, const StoredBlock& b) {
  return std::tie(a.stream, a.first) < std::tie(b.stream, b.first);
}

}  // namespace

IntervalSet StoreContents::held(const StreamId& stream) const {
  const StreamKnowledge* known = image.knowledge.find(stream);
  return known != nullptr ? known->held() : IntervalSet{};
}

Result<StoreContents> read_contents(const StoreReader& reader) {
  Result<StoreImage> image = reader.image();
  if (!image) return image.error();
  StoreContents contents{std::move(*image), {}};
  for (const auto& entry : contents.image.knowledge.entries()) {
    Result<std::vector<StoredBlock>> blocks =
        reader.blocks(entry.stream, {1, ~Seq{0} / 4}, ~std::size_t{0} / 2);
    if (!blocks) return blocks.error();
    contents.blocks.insert(contents.blocks.end(), blocks->begin(), blocks->end());
  }
  return contents;
}

std::string difference(const StoreContents& contents, const StoreModel& model) {
  const std::string known = differing_knowledge(contents.image.knowledge, model);
  if (!known.empty()) return known;
  if (contents.image.clock != model.clock) return "the clock";
  if (contents.image.obeyed != model.obeyed) return "what rules are obeyed";
  if (!same_series(contents.image.series, model)) return "declarations";
  if (!same_entries(contents.image.entries, model)) return "map entries";
  if (!same_floors(contents.image, model)) return "floors of maps, or surfaced writes";
  if (!same_boots(contents.image.own_boots, model)) return "boots of this machine";
  auto expected = model.blocks;
  std::sort(expected.begin(), expected.end(), before);
  return same_blocks(contents.blocks, expected) ? std::string() : "blocks";
}

std::string contradiction(const StoreContents& contents) {
  std::map<StreamId, IntervalSet> blocks;
  for (const StoredBlock& block : contents.blocks) {
    if (blocks[block.stream].intersects(block.interval()))
      return "two blocks hold " + describe(block.stream, block.interval());
    blocks[block.stream].add(block.interval());
  }
  for (const auto& entry : contents.image.knowledge.entries()) {
    if (!(blocks[entry.stream] == entry.known.held()))
      return "blocks and knowledge disagree about " + describe(entry.stream);
  }
  return {};
}

}  // namespace deltamesh
