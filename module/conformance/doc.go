// Package conformance checks the simulated Edge Hub against modules that we did not write the client of: Microsoft's
// SDK for Node. Our own client is tested against our own simulator; that both are right about edgeHub is more likely
// when a third party agrees. Modules on that SDK run unmodified: over the workload API and over a connection string, with
// inputs, outputs, twin and direct methods in both directions, while tokens are renewed, connections drop and the hub is
// stopped or killed and comes back; and at both ends of a chain whose middle is this module, where every message is
// accounted for.
//
// And it holds the guest that there is in four languages to one behaviour: the same bytes for the same input.
//
// There is nothing to import. The first tests need Node and the packages of package-lock.json, which make conformance
// installs, and are skipped without them.
package conformance
