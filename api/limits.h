// api/limits.h - every number that bounds what the HTTP interface takes, holds and answers.
//
// Each says what goes wrong when it is larger and when it is smaller; engine/limits.h has the engine's own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace deltamesh::limits {

// Request line and headers. Larger: memory for strangers. Smaller: long lists of series do not fit a query.
inline constexpr std::uint32_t kHttpHeaderBytesMax = 16u << 10;
// A request's body. Larger: memory, times the connections. Smaller: more requests to load a backlog.
inline constexpr std::uint64_t kHttpBodyBytesMax = 8u << 20;
// Open connections. Larger: descriptors and memory. Smaller: dashboards are turned away.
inline constexpr std::size_t kHttpConnectionsMax = 128;
// Connections beyond those that are told so; the next ones wait unaccepted. Larger: descriptors. Smaller: a
// client hangs instead of reading why.
inline constexpr std::size_t kHttpRefusalsMax = 16;
// From the first byte of a request to its last. Longer: slow clients hold connections. Shorter: slow links
// fail.
inline constexpr std::chrono::milliseconds kHttpRequestTimeout{30'000};
// Between requests. Longer: idle clients hold connections. Shorter: they connect again and again.
inline constexpr std::chrono::milliseconds kHttpIdleTimeout{60'000};
// Until a request is answered "not yet". Longer: clients hang while the disk is full. Shorter: slow disks
// look broken.
inline constexpr std::chrono::milliseconds kHttpAnswerTimeout{60'000};
// For what a client still sends after it was refused. Longer: strangers hold connections. Shorter: the reason
// is lost on its way.
inline constexpr std::chrono::milliseconds kHttpLinger{2'000};
// After a failed accept, such as for want of descriptors. Longer: clients wait. Shorter: it spins.
inline constexpr std::chrono::milliseconds kHttpAcceptRetry{200};
// Bytes of requests read ahead of the one that is served. Larger: memory. Smaller: more calls.
inline constexpr std::size_t kHttpReadAheadBytes = 64u << 10;

// Questions that wait for the one thread that reads the store, and as many of writes. Larger: they time out
// there. Smaller: a burst of a dashboard is refused.
inline constexpr std::size_t kQueriesQueuedMax = 64;
// Series of one append that are looked up one by one; for more, all are listed once. Larger: wide appends ask
// often. Smaller: narrow ones read declarations that they do not need.
inline constexpr std::size_t kUnitLookupsMax = 16;
// Of an answer. It is built in memory: larger costs that, smaller cuts answers into more pages.
inline constexpr std::size_t kAnswerBytesMax = 16u << 20;
inline constexpr std::size_t kSamplesDefault = 10'000;
inline constexpr std::size_t kSamplesMax = 100'000;
inline constexpr std::size_t kListDefault = 1'000;
inline constexpr std::size_t kListMax = 10'000;
// Entries of a map read at a time for a list. Larger: memory, for what a prefix or the end cuts off. Smaller:
// more questions to the store.
inline constexpr std::size_t kEntriesPerRead = 256;
inline constexpr std::size_t kEntryBytesPerRead = 1u << 20;

// Comparisons whose results can be asked for, the newest. Larger: up to 16 MiB each, where nodes differ much.
// Smaller: a slow client finds its own gone.
inline constexpr std::size_t kComparisonsKept = 8;

// JSON in a body. Larger: a small body takes more memory (about 100 bytes a value). Smaller: batches shrink.
inline constexpr std::size_t kBodyValuesMax = 200'000;
inline constexpr std::size_t kBodyDepthMax = 8;

}  // namespace deltamesh::limits
