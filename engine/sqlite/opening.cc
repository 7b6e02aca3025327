// engine/sqlite/opening.cc - the steps of opening, in the order in which they must happen.
#include "engine/sqlite/opening.h"

#include "engine/sqlite/compact.h"
#include "engine/sqlite/fence.h"
#include "engine/sqlite/present.h"
#include "engine/sqlite/schema.h"
#include "engine/sqlite/swap.h"

namespace deltamesh::sqlite {
namespace {

bool syncs(const SqliteOptions& options) {
  return options.fsync != Fsync::kOff;
}

// Most errors name the file already.
Error with_path(const std::string& path, Error error) {
  if (error.text.find(path) == std::string::npos) error.text = path + ": " + error.text;
  return error;
}

Result<Identity> new_identity(const std::optional<NodeId>& node) {
  Identity identity;
  if (Status status = fill_random(identity.incarnation.bytes); !status) return status.error();
  if (node) return Identity{*node, identity.incarnation};  // The database alone was lost.
  if (Status status = fill_random(identity.node.bytes); !status) return status.error();
  return identity;
}

// The database is made under another name: whenever the process dies, there is either no store or a whole
// one.
Status create(const SqliteOptions& options, const std::optional<NodeId>& node) {
  const std::string path = options.path + ".new";
  const Result<Identity> identity = new_identity(node);
  if (!identity) return identity.error();
  if (Status status = remove_database(path); !status) return status;
  if (Status status = create_store(path, {*identity, 0, {}}, syncs(options), options.vfs); !status) {
    static_cast<void>(remove_database(path));
    return status;
  }
  if (Status status = remove_file(path + "-wal"); !status) return status;
  if (Status status = remove_file(path + "-shm"); !status) return status;
  return rename_file(path, options.path, syncs(options));
}

// A log without its database would be taken for the log of a new one. It may hold the only copy of something.
Status make_way(const SqliteOptions& options) {
  const std::string& path = options.path;
  const Result<FileFacts> log = file_facts(path + "-wal");
  if (!log) return log.error();
  if (log->exists && log->size > 0) {
    const std::string kept = free_name(path + "-wal.lost");
    if (Status status = rename_file(path + "-wal", kept, syncs(options)); !status) return status;
    if (options.log) options.log(path + " was missing or empty, but not its log, which is kept as " + kept);
  }
  return remove_database(path);
}

Status configure(Database& database, const SqliteOptions& options) {
  database.busy_timeout(options.checkpoint_patience);  // Nothing but a checkpoint can meet a reader.
  if (Status status = use_log(database); !status) return status;
  const std::string sql =
      "PRAGMA secure_delete = OFF; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY; "
      "PRAGMA synchronous = " +
      std::string(syncs(options) ? "FULL" : "OFF") + "; PRAGMA cache_size = -" +
      std::to_string(options.cache_kib);
  return database.run(sql.c_str());
}

// A database knows its node's name; only where there is none must the fence be readable.
Result<std::optional<NodeId>> find_fence(const SqliteOptions& options, bool needed) {
  std::string trouble;
  Result<std::optional<NodeId>> fence = load_fence(options.path + ".fence", trouble);
  if (!fence && fence.error().code == ErrorCode::kIo && !needed) {
    trouble = fence.error().text;
    fence = std::optional<NodeId>();
  }
  if (!trouble.empty() && needed)
    return Error{ErrorCode::kCorrupt, trouble +
                                          "; there is no database that knows the node's name: put the fence "
                                          "right, or remove it to start as a new node"};
  if (!trouble.empty() && options.log) options.log(trouble);
  return fence;
}

// A store works without a fence; only the name of its node would be lost with it.
Status keep_fence(const SqliteOptions& options, const NodeId& node, const std::optional<NodeId>& fence) {
  if (fence == node) return Done{};
  if (fence && options.log)
    options.log(options.path + " had the fence of another node, " + hex(fence->bytes));
  const Status saved = save_fence(options.path + ".fence", node, syncs(options));
  if (saved || saved.error().code == ErrorCode::kFull) return saved;
  if (options.log) options.log(options.path + " has no fence: " + saved.error().text);
  return Done{};
}

// Why the incarnation is over, in words; nullopt if it goes on.
std::optional<std::string> reason_to_end(const Meta& meta, const std::optional<Issued>& remembered,
                                         const LastNumbers& stored) {
  if (!remembered)
    return "nothing in this machine's memory tells which numbers the store has issued: the machine was "
           "started anew, or the store was moved or copied, or its last run failed";
  if (remembered->incarnation != meta.identity.incarnation || remembered->last != stored)
    return "the store does not hold just the numbers that it has issued: it was restored from a copy, or its "
           "last run was ended in the middle of a commit";
  return std::nullopt;
}

Status note_opening(Database& database, BatchWriter& writer, const std::optional<std::string>& reason) {
  Incarnation next;
  if (Status status = fill_random(next.bytes); !status) return status;
  if (Status status = database.run("BEGIN IMMEDIATE"); !status) return status;
  if (Status status = writer.note_opening(reason ? std::optional(next) : std::nullopt); !status)
    return status;
  if (Status status = reason ? note_incarnation(database, next, *reason) : Done{}; !status) return status;
  return database.run("COMMIT");
}

Status begin(const SqliteOptions& options, bool created, OpenStore& store) {
  const std::optional<Issued> remembered = store.witness.recall();
  if (Status status = syncs(options) ? store.database->save_log() : Done{}; !status) return status;
  const auto reason =
      created ? std::nullopt : reason_to_end(store.writer.meta(), remembered, store.writer.issued());
  if (Status status = note_opening(*store.database, store.writer, reason); !status) return status;
  const Meta& meta = store.writer.meta();
  store.opened.created = created;
  store.opened.opens = meta.opens;
  store.opened.new_incarnation = reason.has_value();
  store.opened.why = reason.value_or("");
  return store.witness.begin({meta.identity.incarnation, store.writer.issued()});
}

// A copy that was interrupted is removed, and this time the store opens without another: whatever ended the
// last start may have been its patience.
Result<std::uint64_t> give_room_back(const SqliteOptions& options, const PageUse& use) {
  const std::string part = compacted_part(options.path);
  const Result<FileFacts> left = file_facts(part);
  if (Status status = remove_part(options.path); !status && options.log) options.log(status.error().text);
  if (left && left->exists) {
    if (options.log) options.log(part + " was not finished; it is removed, and made again at a later start");
    return std::uint64_t{0};
  }
  Result<std::uint64_t> bytes = compact(options, use);
  // What the disk gives back from now on may not be on it.
  if (!bytes) static_cast<void>(Witness::at(witness_path(options.path, options.memory_folder)).forget());
  return bytes;
}

Result<OpenStore> open_present(const SqliteOptions& options, LockFile lock,
                               const std::optional<NodeId>& fence, bool created) {
  const Result<PageUse> use = check_present(options.path, options.vfs);
  if (!use) return use.error();
  const Result<std::uint64_t> given_back = give_room_back(options, *use);
  if (!given_back) return given_back.error();
  Result<Database> opened = Database::open(options.path, Database::Access::kReadWrite, options.vfs);
  if (!opened) return opened.error();
  auto database = std::make_unique<Database>(std::move(*opened));
  if (Status status = configure(*database, options); !status) return status.error();
  Result<BatchWriter> writer = BatchWriter::open(*database);
  if (!writer) return writer.error();
  Result<FileSystemProbe> probe = FileSystemProbe::open(options.path + ".lock");
  if (!probe) return probe.error();
  if (Status status = keep_fence(options, writer->meta().identity.node, fence); !status)
    return status.error();
  OpenStore store{std::move(lock),    std::move(database),
                  std::move(*writer), Witness::at(witness_path(options.path, options.memory_folder)),
                  std::move(*probe),  {}};
  store.opened.given_back = *given_back;
  const Status begun = begin(options, created, store);
  if (begun) return store;
  if (begun.error().code != ErrorCode::kFull) static_cast<void>(store.witness.forget());
  return begun.error();
}

Result<OpenStore> open_absent(const SqliteOptions& options, LockFile lock,
                              const std::optional<NodeId>& fence) {
  if (Status status = make_way(options); !status) return status.error();
  if (Status status = create(options, fence); !status) return status.error();
  Result<OpenStore> store = open_present(options, std::move(lock), fence, true);
  if (!store) return store;
  if (fence) store->opened.why = "a fence was there, its database was not: the node keeps its name";
  return store;
}

}  // namespace

Result<OpenStore> open_store(const SqliteOptions& options) {
  const Result<FileFacts> before = file_facts(options.path);
  if (!before) return before.error();  // Not a file: nothing to lock.
  Result<LockFile> lock = LockFile::take(options.path + ".lock");
  if (!lock) return lock.error();
  const Result<std::optional<std::string>> kept = finish_swap(options.path);
  if (!kept) return kept.error();
  if (*kept && options.log)
    options.log(options.path + " was being repaired; the damaged store is kept as " + **kept);
  const Result<FileFacts> facts = file_facts(options.path);
  if (!facts) return facts.error();
  const bool absent = !facts->exists || facts->size == 0;
  const Result<std::optional<NodeId>> fence = find_fence(options, absent);
  if (!fence) return fence.error();
  Result<OpenStore> store = absent ? open_absent(options, std::move(*lock), *fence)
                                   : open_present(options, std::move(*lock), *fence, false);
  if (!store) return with_path(options.path, store.error());
  return store;
}

}  // namespace deltamesh::sqlite
