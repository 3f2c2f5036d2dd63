//go:build brokenfence || brokendoubt

package dispatch

import "os"

// mustBeBroken ends a program that was built wrong on purpose, unless it is
// started by the tests that want it so.
func mustBeBroken() {
	if os.Getenv("MOMENTCAST_CRASH_TEST") != "broken" {
		panic("this build breaks the engine on purpose and sends posts twice; it is for tests")
	}
}

func init() { mustBeBroken() }
