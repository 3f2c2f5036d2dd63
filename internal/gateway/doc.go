// Package gateway speaks the wire protocol of the HTTP gateway that drives
// logged-in WeChat instances, and does nothing else: no retries, no schedule,
// no storage.
//
// Two promises shape it. A request that creates something is put on the wire
// at most once: the transport can neither replay its body nor follow a
// redirect, and nothing here calls it again. And a call ends in what is proven
// about it, never in a guess: only code 1000 with a moment id is Delivered,
// only the gateway's own "no" is Rejected, only a request of which no byte was
// written is NeverLeft, and everything else is InDoubt.
//
// It reads tolerantly where the vendor's documents and servers differ (codes
// and ids as string or number, "message" or "msg", three forms of objectDesc)
// and strictly where a loose reading could call a post sent that is not.
package gateway
