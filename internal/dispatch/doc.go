// Package dispatch is the engine: it takes due posts, makes the one call each
// of them is for, and records what came of it.
//
// A post passes through four steps, each of which can be the last one that a
// process lives to see:
//
//	claim   the post is leased; nothing has been sent. If we die here the
//	        lease runs out and the post is scheduled again.
//	begin   the intent to call is committed. Only a post whose intent we know
//	        to be committed is called. If we die from here on the outcome is
//	        not known, and no machine calls a second time.
//	call    one HTTP request, with a deadline counted from before the intent.
//	record  the outcome, fenced by the token of the claim.
//
// Beside that flow run the waker (a timer to the next ready instance, quickened
// by notifications), the look at who is online, and the housekeeping ticks:
// leases that ran out, posts that missed their time, read-backs of unknown
// outcomes, first comments. All of it may run on any number of replicas.
//
// Durations come from the database's clock or from the monotonic one; the wall
// clock of the machine decides nothing.
package dispatch
