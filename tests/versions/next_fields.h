// tests/versions/next_fields.h - the fields that the next version has beyond ours, filled and checked by
// name.
//
// All that a struct's added fields hold follows from its nextNumber, so that who reads them can tell whether
// they came whole; 0 is what a struct of our version reads as.
#pragma once

#include <capnp/dynamic.h>

#include <string>

#include "tests/sim/rng.h"

namespace deltamesh::versions {

bool is_added(capnp::StructSchema::Field field);

// In `to` and in all structs that it holds.
void fill_added(capnp::DynamicStruct::Builder to, sim::Rng& rng);

// What is wrong with the added fields; empty if nothing is. `filled` counts the structs that had some.
std::string check_added(capnp::DynamicStruct::Reader from, std::size_t& filled);

// All fields that `to` knows.
void copy_known(capnp::DynamicStruct::Reader from, capnp::DynamicStruct::Builder to);

}  // namespace deltamesh::versions
