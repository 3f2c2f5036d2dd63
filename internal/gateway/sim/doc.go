// Package sim is a gateway that posts nowhere. It speaks every call the
// service uses, with the documented shapes, keeps the truth of what was posted
// and can be told to misbehave. It is the demo's gateway, the counterpart of
// the client's tests, and the referee of crash tests and benchmarks: that is
// why it shares no code with the client.
//
// # Accounts and sessions
//
// An account is known by its wcId; its wId is the login session and a re-login
// makes a new one. A wId depends only on the seed, the wcId and the number of
// logins, so that a restarted simulator still knows the sessions it gave out.
// An account online for less than Config.OnlineAge refuses link posts.
//
// # A post, from the wire to the truth
//
// A request is checked for token, form, session, online state and age; then a
// fault is chosen; then, unless the fault prevents it, the post is accepted: it
// gets its id, is in the account's feed, in the truth and in the journal. Only
// then does the latency pass and the answer leave. A client that dies or gives
// up while it waits has therefore posted, which is the harshest reading.
//
// # Faults
//
// A fault is drawn for each snsSendUrl that would otherwise be posted, by the
// shares of Faults or because FailNext asked for it.
//
//	reject          not posted   code 1001
//	offline         not posted   the account goes offline (with its callback), code 1001
//	auth            not posted   HTTP 401
//	http_500        not posted   HTTP 500
//	html            not posted   HTTP 200 with a page of HTML, as a captive proxy gives
//	drop_before     not posted   connection closed without an answer
//	hang_before     not posted   never answers, until the client gives up
//	hang            POSTED       never answers, until the client gives up
//	drop_after      POSTED       connection closed without an answer
//	http_500_after  POSTED       HTTP 500
//	broken_json     POSTED       code 1000, cut in half
//	no_id           POSTED       code 1000 without an id
//	redirect        POSTED       307 to itself: who follows it posts again
//	slow            POSTED       answered properly, SlowBy later
//	late            POSTED       only after SlowBy, even if the client has gone by then
//
// # The referee
//
// A post is known by its account and its url: tests give every post its own
// url. Stats counts what was accepted, what was accepted twice, how many calls
// of one account overlapped, the least time between two posts of an account
// and, when the url carries due=<unix nanoseconds>, how late each one arrived.
//
// # Control calls
//
//	GET  /control/stats                            Stats; ?accounts=0 leaves out the list of accounts
//	GET  /control/truth                            array of Accepted; ?after=<seq> only later ones
//	GET  /control/calls                            array of Call, the latest 1024 at most
//	POST /control/reset                            forgets posts, truth, stats, calls and the journal; accounts and faults stay
//	GET  /control/faults
//	POST /control/faults                           {"reject":0.1,"hang":0.05,...}, replaces all
//	POST /control/next                             {"wc_id":"","fault":"hang","count":1}
//	POST /control/latency                          {"latency":"5ms","jitter":"0s","slow_by":"2s"}
//	GET  /control/accounts
//	POST /control/accounts                         one account or an array: {"wc_id","name","online_for":"80h","offline","labels":[],"contacts":10}
//	POST /control/accounts/{wcId}/relogin          {"keep_age":true} optional
//	POST /control/accounts/{wcId}/offline|online
//	POST /control/react                            {"wc_id","id","by","nick","comment"}: a like, or with comment a comment
package sim
