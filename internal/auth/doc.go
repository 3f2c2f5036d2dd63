// Package auth says who somebody is: passwords, sessions, the first person, and
// sign-in through an identity provider. What somebody may do is said in
// internal/moment.
//
// A session is a random value in a cookie and a row in the database under the
// hash of it. The value is new with every sign-in, so that nobody can plant one
// beforehand. A row that is gone ends the session with the next request, on
// every replica: signing out, disabling somebody and changing a password delete
// rows, and nothing brings one back.
//
// A try to sign in is counted before it is judged and forgotten when it
// succeeds, so that tries made at once cannot all be the first. Names that
// nobody has are counted, locked and answered like others, and cost the same
// work.
package auth
