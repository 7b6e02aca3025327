// benchmarks/peers/comparison.h - systems run in turn, and the ratios of each to the first.
#pragma once

#include <string>
#include <vector>

#include "benchmarks/peers/system.h"
#include "benchmarks/report.h"

namespace deltamesh::bench {

// By contender, then by round.
using Rounds = std::vector<std::vector<CatchUp>>;

// All contenders once a round; every other round in reverse, so that none always follows the same.
Rounds run_rounds(const std::vector<Contender>& contenders, unsigned rounds);

// How many times better the first contender is than another, by the median over the rounds.
struct Ratio {
  std::string metric;  // As in the report.
  double times = 0;
};
std::vector<Ratio> ratios(const std::vector<Contender>& contenders, const Rounds& rounds, std::size_t other);

// A case for each but the first: the medians of both and, as METRIC_ratio, the ratios. Its parameters are
// those set so far.
void add_comparison(Report& report, const std::vector<Contender>& contenders, const Rounds& rounds);
// For people: one line a contender.
std::string ratio_table(const std::vector<Contender>& contenders, const Rounds& rounds);

}  // namespace deltamesh::bench
