// Package promise proves, of a run that is over, what the engine promises: each
// promise is a function over what the referee saw arrive, what the database
// says, and what was asked for through the API and how that was answered.
//
// It is for tests only. It takes nothing from the product but the names of the
// states, so that it does not share a mistake with what it judges. All times
// are of one machine's clock: the referee, the database and whoever asked run
// on it, and only replicas may be told another time.
package promise
