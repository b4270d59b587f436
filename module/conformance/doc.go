// Package conformance checks the simulated Edge Hub against modules that we did not write the client of: Microsoft's
// SDK for Node. Our own client is tested against our own simulator; that both are right about edgeHub is more likely
// when a third party agrees.
//
// There is nothing to import. The tests need Node and the packages of package-lock.json, which make conformance
// installs, and are skipped without them.
package conformance
