// benchmarks/real_fleet.h - the simulator's steady fleet on real processes, to see whether its bytes are
// true.
#pragma once

#include "tests/sim/fleet.h"

namespace deltamesh::bench {

// `options.nodes` sync-nodes over loopback, linked as the simulator would link them; writes over HTTP at the
// rate of the options. Of the report, the counts and bytes of the measured part are filled in, and the time
// from the last write until all hold all. A writer's bytes are not known one by one: in a star the minimum is
// what the outer nodes' own events took on their way to the middle, times all that have to get them; in other
// shapes there is none.
sim::FleetReport run_real_fleet(const sim::FleetOptions& options);

}  // namespace deltamesh::bench
