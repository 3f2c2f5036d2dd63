// Package apifuzz holds no code of the product: its tests read the OpenAPI
// document that the running program serves, draw calls from it, valid, on the
// edge and hostile ones, by everybody from nobody to the administrator, and look
// for answers that the document does not describe, for secrets in them and in
// the log, and for state that changed by a call that was refused. The pages are
// called likewise, with a session of every role.
//
// `make fuzz-api MINUTES=10` runs it at length. What was drawn depends on the
// seed alone, which is printed: SEED=… draws it again.
package apifuzz
