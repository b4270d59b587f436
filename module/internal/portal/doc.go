// Package portal is the simulator's web page: the flow of data through a deployment while it happens, its signals, its
// twin, its guests, what reached the cloud, direct methods and faults. It belongs to the simulator alone; the module on
// a device serves no page.
//
//	browser ──GET──→ page, /api/flow, /api/twin, …      what is
//	        ←──SSE── /api/stream                         what changes
//	        ──POST─→ /api/twin, /api/faults, …           changes, with the token
//
// # Use
//
// New listens, so that [Portal.URL] is known before anything runs; Run serves. What happens at the hub is told to
// [Portal.Upstream] and its like, which a sim.Observer calls. Of the module the portal knows what its [Module] tells
// where it runs in this process, else what it answers to the direct methods status, trace and logs.
//
// # Who may do what
//
// It listens on an address of this machine only. A request whose Host is not that address is refused, so that no name
// of somebody else leads here, and so is one that a page from elsewhere sent. What changes something needs the token
// that the URL carries behind its #, where no log and no referrer sees it. The page loads nothing from elsewhere, and
// its Content-Security-Policy has no exception.
//
// # Bounds
//
// What is remembered lies in rings: the last messages, dead letters and events, the last values of the signals that
// somebody looks at. Each stream takes from them when its browser has taken what came before: a slow one sees fewer
// ticks and is told how much it missed, and one that takes nothing for ten seconds is cut off. Sixteen streams may be
// open, and eight signals be looked at.
//
// # Concurrency
//
// Run owns every goroutine: the server's, and one that keeps the watched signals. Everything else may be called from
// any goroutine; what a sim.Observer calls does not block.
package portal
