// engine/sqlite/opening.cc - the steps of opening, in the order in which they must happen.
#include "engine/sqlite/opening.h"

#include "engine/sqlite/image.h"

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

Result<Identity> new_identity(const std::optional<Fence>& fence) {
  Identity identity;
  if (Status status = fill_random(identity.incarnation.bytes); !status) return status.error();
  if (fence) return Identity{fence->identity.node, identity.incarnation};  // The database alone was lost.
  if (Status status = fill_random(identity.node.bytes); !status) return status.error();
  return identity;
}

Status remove_remains(const std::string& path) {
  for (const char* side : {"", "-wal", "-shm", "-journal"}) {
    if (Status status = remove_file(path + side); !status) return status;
  }
  return Done{};
}

// The database is made under another name, and the fence is there before it: whenever the process dies, there
// is either no store or a whole one with a fence that knows it.
Status create(const SqliteOptions& options, const std::optional<Fence>& old_fence) {
  const std::string path = options.path + ".new";
  const Result<Identity> identity = new_identity(old_fence);
  if (!identity) return identity.error();
  if (Status status = remove_remains(path); !status) return status;
  if (Status status = create_store(path, {*identity, {}, {}}, syncs(options), options.vfs); !status) {
    static_cast<void>(remove_remains(path));
    return status;
  }
  if (Status status = remove_file(path + "-wal"); !status) return status;
  if (Status status = remove_file(path + "-shm"); !status) return status;
  const Result<FileFacts> facts = file_facts(path);
  if (!facts) return facts.error();
  FenceKeeper fence(options.path + ".fence", {*identity, {}, {}, machine_hash(), facts->birth, 0, false},
                    syncs(options));
  if (Status status = fence.save(); !status) return status;
  return rename_file(path, options.path, syncs(options));
}

// A log without its database would be taken for the log of a new one.
Status check_absent(const std::string& path) {
  const Result<FileFacts> log = file_facts(path + "-wal");
  if (!log) return log.error();
  if (log->exists && log->size > 0)
    return Error{ErrorCode::kInvalid, path + " is missing or empty, but " + path +
                                          "-wal is not: move it away, or bring back the database"};
  return remove_remains(path);
}

// Looks at everything through a connection that cannot write.
Status check_present(const SqliteOptions& options) {
  const std::string& path = options.path;
  const Result<FileFacts> log = file_facts(path + "-wal");
  if (!log) return log.error();
  const bool logged = log->exists && log->size > 0;
  Result<Database> database =
      Database::open(path, logged ? Database::Access::kReadOnly : Database::Access::kImmutable, options.vfs);
  if (!database) return database.error();
  if (Status status = check_store(*database, path, true); !status) return status;
  const Result<BatchWriter> writer = BatchWriter::open(*database);  // Reads and verifies what a writer needs,
  if (!writer) return writer.error();
  const Result<StoreImage> image = read_image(*database);  // and what a node will ask for next.
  return image ? Status(Done{}) : Status(image.error());
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

// Fence first, then the database: if the process dies between, they differ and another incarnation starts.
Status start_incarnation(Database& database, BatchWriter& writer, FenceKeeper& fence,
                         const std::string& why) {
  Meta meta = writer.meta();
  if (Status status = fill_random(meta.identity.incarnation.bytes); !status) return status;
  meta.mark = {meta.mark.opens, meta.mark.closes, 0};
  if (Status status = fence.start(meta.identity, meta.mark); !status) return status;
  if (Status status = database.run("BEGIN IMMEDIATE"); !status) return status;
  if (Status status = write_meta(database, meta); !status) return status;
  if (Status status = note_incarnation(database, meta.identity.incarnation, why); !status) return status;
  if (Status status = database.run("COMMIT"); !status) return status;
  return writer.reload();
}

Status settle(const SqliteOptions& options, const std::optional<Fence>& old_fence,
              const std::string& fence_trouble, OpenStore& store) {
  const std::string fence_path = options.path + ".fence";
  const Result<FileFacts> facts = file_facts(options.path), fence_facts = file_facts(fence_path);
  if (!facts || !fence_facts) return facts ? fence_facts.error() : facts.error();
  const Meta& meta = store.writer.meta();
  const Found found{meta.identity, meta.mark, machine_hash(), facts->birth, fence_facts->birth};
  store.fence =
      FenceKeeper(fence_path, {meta.identity, meta.mark, meta.mark, found.machine, found.birth, 0, false},
                  syncs(options));
  if (Status status = syncs(options) ? store.database->save_log() : Done{}; !status) return status;
  auto reason = reason_to_distrust(old_fence, found);
  if (!reason && options.in_doubt) reason = "the last run ended in doubt";
  if (reason) {
    store.opened.new_incarnation = true;
    store.opened.why = fence_trouble.empty() ? *reason : fence_trouble;
    if (Status status = start_incarnation(*store.database, store.writer, store.fence, store.opened.why);
        !status)
      return status;
  }
  const Mark before = meta.mark;
  const Mark mark{before.opens + 1, before.closes, before.reserved};
  store.opened.opens = mark.opens;
  return store.fence.advance(before, mark, [&store](const Mark& to) { return store.writer.set_mark(to); });
}

Result<OpenStore> open_present(const SqliteOptions& options, LockFile lock, const std::optional<Fence>& fence,
                               const std::string& fence_trouble) {
  if (Status status = check_present(options); !status) return status.error();
  Result<Database> opened = Database::open(options.path, Database::Access::kReadWrite, options.vfs);
  if (!opened) return opened.error();
  auto database = std::make_unique<Database>(std::move(*opened));
  if (Status status = configure(*database, options); !status) return status.error();
  Result<BatchWriter> writer = BatchWriter::open(*database);
  if (!writer) return writer.error();
  OpenStore store{std::move(lock), std::move(database), std::move(*writer), FenceKeeper({}, {}, false), {}};
  Status settled = settle(options, fence, fence_trouble, store);
  if (settled) return store;
  if (settled.error().code != ErrorCode::kFull) static_cast<void>(store.fence.doubt());
  return settled.error();
}

Result<OpenStore> open_absent(const SqliteOptions& options, LockFile lock,
                              const std::optional<Fence>& old_fence) {
  if (Status status = check_absent(options.path); !status) return status.error();
  if (Status status = create(options, old_fence); !status) return status.error();
  std::string trouble;
  const Result<std::optional<Fence>> fence = load_fence(options.path + ".fence", trouble);
  if (!fence) return fence.error();
  Result<OpenStore> store = open_present(options, std::move(lock), *fence, trouble);
  if (!store) return store;
  store->opened.created = true;
  if (old_fence) store->opened.why = "a fence was there, its database was not: the node keeps its name";
  return store;
}

}  // namespace

Result<OpenStore> open_store(const SqliteOptions& options) {
  const Result<FileFacts> before = file_facts(options.path);
  if (!before) return before.error();  // Not a file: nothing to lock.
  Result<LockFile> lock = LockFile::take(options.path + ".lock");
  if (!lock) return lock.error();
  std::string fence_trouble;
  const Result<std::optional<Fence>> fence = load_fence(options.path + ".fence", fence_trouble);
  if (!fence) return fence.error();
  const Result<FileFacts> facts = file_facts(options.path);
  if (!facts) return facts.error();
  const bool absent = !facts->exists || facts->size == 0;
  Result<OpenStore> store = absent ? open_absent(options, std::move(*lock), *fence)
                                   : open_present(options, std::move(*lock), *fence, fence_trouble);
  if (!store) return with_path(options.path, store.error());
  return store;
}

}  // namespace deltamesh::sqlite
