// Package conformance checks the simulated Edge Hub against modules that we did not write the client of: Microsoft's
// SDK for Node. Our own client is tested against our own simulator; that both are right about edgeHub is more likely
// when a third party agrees.
//
// And it holds the guest that there is in four languages to one behaviour: the same bytes for the same input.
//
// There is nothing to import. The first tests need Node and the packages of package-lock.json, which make conformance
// installs, and are skipped without them.
package conformance
