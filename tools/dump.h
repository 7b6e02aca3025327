// tools/dump.h - what crdt-dump prints: each question as a function of a request.
//
// Stores are opened so that nothing can be written, and each question sees one state of the store, also while
// a node writes it. An error means that the question could not be answered.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "engine/sqlite/sqlite_reader.h"
#include "tools/dump_format.h"
#include "tools/dump_json.h"

namespace deltamesh {

struct DumpRequest {
  std::string store;
  std::string other;  // The second store of a diff, or a file.
  std::string peer;   // Of a running node: the peer that it shall be compared with, cut short at will.
  bool json = false;
  std::vector<std::string> names;  // Of datasets, to be shown in place of their ids.
  std::string stream;              // NODE or NODE.INCARNATION, cut short at will; empty: all.
  std::string dataset, series;
  std::string from, to;  // Ticks or ISO 8601; empty: no bound.
  Resolution resolution = Resolution::kMilliseconds;
  std::size_t limit = 0;  // Samples, or findings of each kind.
  bool raw = false;       // Every dot, not the set of samples.
  bool tombstones = false;
  bool conflicts = false;  // Not the entries, but writes in conflict with them.
  bool surfaced = false;   // Or those that were surfaced.
};

// The exit status of the program.
inline constexpr int kDumpFine = 0, kDumpDifferent = 1, kDumpFailed = 2;

Result<int> dump_store(const DumpRequest& request, std::ostream& out);
Result<int> dump_knowledge(const DumpRequest& request, std::ostream& out);
Result<int> dump_catalogue(const DumpRequest& request, std::ostream& out);
Result<int> dump_blocks(const DumpRequest& request, std::ostream& out);
Result<int> dump_samples(const DumpRequest& request, std::ostream& out);
// The rules for wrong data, and whether all that is stored obeys them.
Result<int> dump_forgotten(const DumpRequest& request, std::ostream& out);
Result<int> dump_entries(const DumpRequest& request, std::ostream& out);
Result<int> dump_diff(const DumpRequest& request, std::ostream& out);
// Writes a new file `other`.
Result<int> dump_backup(const DumpRequest& request, std::ostream& out);
// A store as text, to `other` or `out`; and a new store of the text in `other` ("-": what comes in).
Result<int> dump_export(const DumpRequest& request, std::ostream& out);
Result<int> dump_import(const DumpRequest& request, std::ostream& out);
// And the one that changes the store.
Result<int> dump_repair(const DumpRequest& request, std::ostream& out);
Result<int> dump_check(const DumpRequest& request, std::ostream& out);
// Of a running node, which stands in place of the store: "http://127.0.0.1:8081".
bool is_live(const std::string& store);
Result<int> dump_live_diff(const DumpRequest& request, std::ostream& out);

// What these share.
Result<std::unique_ptr<SqliteReader>> open_for_dump(const std::string& path);
// A store knows datasets only by what it holds of them, so one of which it holds nothing is taken for a
// mistake.
Status require_dataset(const StoreReader& reader, const std::string& dataset);
std::string stream_text(const StreamId& stream,
                        const DatasetNames& names);  // "telemetry/metric 3f9a1c02.77aa10be"
void write_dataset(DumpJson& json, DatasetId dataset, const DatasetNames& names);
void write_stream(DumpJson& json, const StreamId& stream,
                  const DatasetNames& names);                                        // Fields, no brackets.
void write_entry(DumpJson& json, const MapEntry& entry, const DatasetNames& names);  // An object.

}  // namespace deltamesh
