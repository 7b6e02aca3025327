// tools/crdt_dump.cc - main() of crdt-dump: what is in a store, and whether two stores hold the same.
#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>

#include "tools/dump.h"

namespace {

using namespace deltamesh;
using Question = Result<int> (*)(const DumpRequest&, std::ostream&);

constexpr std::size_t kSamples = 10'000, kFindings = 20;

const std::map<std::string, Resolution> kResolutions{
    {"ms", Resolution::kMilliseconds}, {"us", Resolution::kMicroseconds}, {"ns", Resolution::kNanoseconds}};

class Arguments {
 public:
  Arguments()
      : app_(
            "Shows what is in a store, checks it, backs it up and exports it, also while a node runs on it. "
            "Only repair changes it.") {
    app_.require_subcommand(0, 1);
    app_.add_option("store", request_.store, "The store; all of it on one page");
    common(app_);
    auto* blocks = question("blocks", "Each block of the telemetry streams", dump_blocks);
    stream(*blocks);
    blocks->add_option("--dataset", request_.dataset, "Its name, or the 16 hex digits of its id");
    resolution(*blocks);
    samples();
    auto* entries = question("entries", "The entries of a map", dump_entries);
    dataset(*entries);
    entries->add_flag("--tombstones", request_.tombstones, "Removed keys too");
    entries->add_flag("--conflicts", request_.conflicts,
                      "Instead of the entries, writes that are in conflict with them");
    entries->add_flag("--surfaced", request_.surfaced,
                      "Instead of the entries, writes that came after what was removed was forgotten");
    auto* forgotten = question(
        "forgotten", "The rules for wrong data, and whether all that is stored obeys them", dump_forgotten);
    forgotten->add_option("--dataset", request_.dataset, "Only those about it: its name");
    resolution(*forgotten);
    stream(
        *question("knowledge", "What is known of each stream; every interval with --json", dump_knowledge));
    question("check",
             "Looks for damage on every page, in every row and block; status 0 sound, 1 damaged, 2 neither",
             dump_check);
    question("backup",
             "Copies the store to a new file, checked and safe to put back; also while a node runs on it",
             dump_backup)
        ->add_option("file", request_.other, "The new file")
        ->required();
    question("export", "Writes all of the store as text, to be archived or imported", dump_export)
        ->add_option("--out", request_.other, "A new file; default: the standard output");
    import();
    question(
        "repair",
        "Makes a new store of what can be read of a damaged one, for peers to fill; status 0 nothing lost, "
        "1 peers must send what is named, 2 not done",
        dump_repair);
    question("catalogue", "All series and where their declarations conflict", dump_catalogue);
    diff();
  }

  CLI::App& app() { return app_; }

  // A limit that was not given is that of the question.
  void complete() {
    for (const auto& [app, otherwise] : limits_) {
      if (app->parsed() && request_.limit == 0) request_.limit = otherwise;
    }
    if (!request_.dataset.empty()) request_.names.push_back(request_.dataset);
  }

  // What is asked, once parsed.
  [[nodiscard]] Question chosen() const {
    for (const auto& [app, asked] : questions_) {
      if (app->parsed()) return asked;
    }
    return request_.store.empty() ? nullptr : dump_store;
  }

  [[nodiscard]] const DumpRequest& request() const { return request_; }

 private:
  void common(CLI::App& app) {
    app.add_flag("--json", request_.json, "One JSON document");
    app.add_option("--name", request_.names,
                   "A dataset's name, to be shown in place of its id; may be repeated");
  }

  CLI::App* question(const char* name, const char* what, Question asked) {
    CLI::App* sub = app_.add_subcommand(name, what);
    sub->add_option("store", request_.store, "The store")->required();
    common(*sub);
    questions_.emplace_back(sub, asked);
    return sub;
  }

  void samples() {
    auto* samples = question("samples", "The samples of one series", dump_samples);
    dataset(*samples);
    resolution(*samples);
    limit(*samples, kSamples, "Samples shown at most");
    samples->add_option("--series", request_.series, "Its name")->required();
    samples->add_option("--from", request_.from, "First time: ticks, or such as 2020-07-13T00:00:24Z");
    samples->add_option("--to", request_.to, "Last time");
    auto* raw =
        samples->add_flag("--raw", request_.raw, "Every dot as it was written, not the set of samples");
    stream(*samples)->needs(raw);  // The set belongs to no stream.
  }

  // The text comes first, as it is there first.
  void import() {
    CLI::App* sub = app_.add_subcommand("import", "Makes a new store of an exported one, checked");
    sub->add_option("file", request_.other, "What export wrote; - is the standard input")->required();
    sub->add_option("store", request_.store, "The new store")->required();
    common(*sub);
    questions_.emplace_back(sub, dump_import);
  }

  void diff() {
    auto* diff = question(
        "diff",
        "Compares the contents of two stores, or of a running node (http://HOST:PORT) and a peer; status 0 "
        "equal, 1 different, 2 neither",
        dump_diff);
    diff->add_option("other", request_.other, "The other store");
    diff->add_option("--with", request_.peer,
                     "The running node's peer: the first digits of its node; default: the only one");
    limit(*diff, kFindings, "Findings shown of each kind at most");
  }

  void dataset(CLI::App& app) {
    app.add_option("--dataset", request_.dataset, "Its name, or the 16 hex digits of its id")->required();
  }
  CLI::Option* stream(CLI::App& app) {
    return app.add_option("--stream", request_.stream, "NODE or NODE.INCARNATION, each cut short at will");
  }
  void resolution(CLI::App& app) {
    app.add_option("--resolution", request_.resolution, "Of the dataset's times: ms, us or ns")
        ->transform(CLI::CheckedTransformer(kResolutions));
  }
  void limit(CLI::App& app, std::size_t otherwise, const char* what) {
    limits_.emplace_back(&app, otherwise);
    app.add_option("--limit", request_.limit, what + (" (default " + std::to_string(otherwise) + ")"))
        ->check(CLI::Range(1, 1'000'000'000));
  }

  CLI::App app_;
  DumpRequest request_;
  std::vector<std::pair<CLI::App*, Question>> questions_;
  std::vector<std::pair<CLI::App*, std::size_t>> limits_;
};

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  Arguments arguments;
  try {
    arguments.app().parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return arguments.app().exit(error) == 0 ? kDumpFine : kDumpFailed;
  }
  arguments.complete();
  const Question question = arguments.chosen();
  if (question == nullptr) {
    std::cerr << arguments.app().help();
    return kDumpFailed;
  }
  const auto status = question(arguments.request(), std::cout);
  std::cout.flush();
  if (status && std::cout) return *status;
  std::cerr << "crdt-dump: " << (status ? "cannot write the answer" : status.error().text) << '\n';
  return kDumpFailed;
}
