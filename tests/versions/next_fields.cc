// tests/versions/next_fields.cc - structs walked by their schema.
#include "tests/versions/next_fields.h"

namespace deltamesh::versions {
namespace {

using capnp::DynamicList;
using capnp::DynamicStruct;
using capnp::DynamicValue;

bool holds_structs(capnp::StructSchema::Field field) {
  return field.getType().isList() && field.getType().asList().getElementType().isStruct();
}

// One group of n numbers, then one of none.
constexpr unsigned kGroups = 2;
unsigned group_size(std::uint64_t number) {
  return static_cast<unsigned>(number % 5);
}

void fill_groups(DynamicStruct::Builder to, std::uint64_t number) {
  auto groups = to.init("nextGroups", kGroups).as<DynamicList>();
  auto group = groups.init(0, group_size(number)).as<DynamicList>();
  for (unsigned i = 0; i < group.size(); ++i) group.set(i, static_cast<std::uint16_t>(number >> i));
}

bool same_groups(DynamicStruct::Reader from, std::uint64_t number) {
  const auto groups = from.get("nextGroups").as<DynamicList>();
  if (number == 0) return groups.size() == 0;
  if (groups.size() != kGroups) return false;
  const auto group = groups[0].as<DynamicList>();
  bool same = group.size() == group_size(number);
  for (unsigned i = 0; same && i < group.size(); ++i)
    same = group[i].as<std::uint16_t>() == static_cast<std::uint16_t>(number >> i);
  return same;
}

std::string text_of(std::uint64_t number) {
  return number == 0 ? std::string() : "next " + std::to_string(number);
}

std::string check_own(DynamicStruct::Reader from, std::size_t& filled) {
  const auto number = from.get("nextNumber").as<std::uint64_t>();
  if (number != 0) ++filled;
  const auto text = from.get("nextText").as<capnp::Text>();
  const bool same = text_of(number) == text.cStr() && from.get("nextFlag").as<bool>() == (number % 2 == 1) &&
                    same_groups(from, number);
  return same ? std::string() : "added fields do not belong together";
}

}  // namespace

bool is_added(capnp::StructSchema::Field field) {
  return field.getProto().getName().startsWith("next");
}

void fill_added(DynamicStruct::Builder to, sim::Rng& rng) {
  const std::uint64_t number = rng.next() >> rng.below(63) | 1;
  const std::uint64_t either = number - rng.below(2);
  if (either != 0) {
    to.set("nextNumber", either);
    to.set("nextFlag", either % 2 == 1);
    to.set("nextText", text_of(either).c_str());
    fill_groups(to, either);
  }
  for (const auto field : to.getSchema().getFields()) {
    if (!holds_structs(field) || !to.has(field)) continue;
    auto items = to.get(field).as<DynamicList>();
    for (unsigned i = 0; i < items.size(); ++i) fill_added(items[i].as<DynamicStruct>(), rng);
  }
}

std::string check_added(DynamicStruct::Reader from, std::size_t& filled) {
  std::string wrong = check_own(from, filled);
  for (const auto field : from.getSchema().getFields()) {
    if (!holds_structs(field)) continue;
    for (const auto item : from.get(field).as<DynamicList>()) {
      if (wrong.empty()) wrong = check_added(item.as<DynamicStruct>(), filled);
    }
  }
  return wrong;
}

void copy_known(DynamicStruct::Reader from, DynamicStruct::Builder to) {
  for (const auto field : to.getSchema().getFields()) {
    const auto name = field.getProto().getName();
    if (!from.has(name)) continue;
    if (!holds_structs(field)) {
      to.set(field, from.get(name));
      continue;
    }
    const auto items = from.get(name).as<DynamicList>();
    auto copies = to.init(field, items.size()).as<DynamicList>();
    for (unsigned i = 0; i < items.size(); ++i)
      copy_known(items[i].as<DynamicStruct>(), copies[i].as<DynamicStruct>());
  }
}

}  // namespace deltamesh::versions
